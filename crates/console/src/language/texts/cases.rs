//! Review cases.

texts! {
    Cases;
    case: "Case", "मामला", "ਮਾਮਲਾ";
    case_title: "Case {}", "मामला {}", "ਮਾਮਲਾ {}";
    kind: "Kind", "प्रकार", "ਕਿਸਮ";
    raised: "Raised", "उठाया गया", "ਉਠਾਇਆ ਗਿਆ";
    age: "Age", "आयु", "ਉਮਰ";
    recommended: "Recommended action", "अनुशंसित कार्रवाई", "ਸਿਫਾਰਸ਼ੀ ਕਾਰਵਾਈ";
    open: "Open", "खुला", "ਖੁੱਲ੍ਹਾ";
    resolved: "Resolved", "सुलझाया गया", "ਹੱਲ ਕੀਤਾ ਗਿਆ";
    resolve: "Resolve the case", "मामला सुलझाएँ", "ਮਾਮਲਾ ਹੱਲ ਕਰੋ";
    resolve_reason: "What was done, or why nothing need be done", "क्या किया गया, या क्यों कुछ करना नहीं है", "ਕੀ ਕੀਤਾ ਗਿਆ, ਜਾਂ ਕਿਉਂ ਕੁਝ ਕਰਨਾ ਨਹੀਂ ਹੈ";
    resolve_hint: "It is kept for ever. Resolving moves no money.", "यह सदा के लिए रहता है। सुलझाने से कोई पैसा नहीं जाता।", "ਇਹ ਸਦਾ ਲਈ ਰਹਿੰਦਾ ਹੈ। ਹੱਲ ਕਰਨ ਨਾਲ ਕੋਈ ਪੈਸਾ ਨਹੀਂ ਜਾਂਦਾ।";
    propose_refund: "Propose a refund", "धनवापसी का प्रस्ताव करें", "ਰਿਫੰਡ ਦਾ ਪ੍ਰਸਤਾਵ ਕਰੋ";
    owner: "Owner", "प्रभारी", "ਜ਼ਿੰਮੇਵਾਰ";
    owner_me: "Mine", "मेरे", "ਮੇਰੇ";
    case_take: "Take the case", "मामला अपने पास लें", "ਮਾਮਲਾ ਆਪਣੇ ਕੋਲ ਲਓ";
    case_release: "Release the case", "मामला छोड़ें", "ਮਾਮਲਾ ਛੱਡੋ";
    case_taken: "Taken", "लिया गया", "ਲਿਆ ਗਿਆ";
    case_released: "Released", "छोड़ा गया", "ਛੱਡਿਆ ਗਿਆ";
    case_noted: "Note", "टिप्पणी", "ਟਿੱਪਣੀ";
    note: "Note", "टिप्पणी", "ਟਿੱਪਣੀ";
    note_hint: "It is kept for ever with your name.", "यह आपके नाम के साथ सदा के लिए रहती है।", "ਇਹ ਤੁਹਾਡੇ ਨਾਮ ਨਾਲ ਸਦਾ ਲਈ ਰਹਿੰਦੀ ਹੈ।";
    note_add: "Add the note", "टिप्पणी जोड़ें", "ਟਿੱਪਣੀ ਜੋੜੋ";
    note_required: "A note is required.", "टिप्पणी आवश्यक है।", "ਟਿੱਪਣੀ ਲੋੜੀਂਦੀ ਹੈ।";
    said_taken: "The case is yours.", "मामला अब आपके पास है।", "ਮਾਮਲਾ ਹੁਣ ਤੁਹਾਡੇ ਕੋਲ ਹੈ।";
    said_released: "The case has no owner.", "मामले का कोई प्रभारी नहीं है।", "ਮਾਮਲੇ ਦਾ ਕੋਈ ਜ਼ਿੰਮੇਵਾਰ ਨਹੀਂ ਹੈ।";
    said_noted: "The note is kept.", "टिप्पणी दर्ज हुई।", "ਟਿੱਪਣੀ ਦਰਜ ਹੋਈ।";
    said_resolved: "The case is resolved.", "मामला सुलझ गया।", "ਮਾਮਲਾ ਹੱਲ ਹੋ ਗਿਆ।";
}
