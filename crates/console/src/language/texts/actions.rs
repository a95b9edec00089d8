//! The acts in the audit log.

texts! {
    Actions;
    refund_requested: "Refund requested", "धनवापसी का अनुरोध", "ਰਿਫੰਡ ਦੀ ਬੇਨਤੀ";
    refund_approved: "Refund approved", "धनवापसी का अनुमोदन", "ਰਿਫੰਡ ਦੀ ਮਨਜ਼ੂਰੀ";
    refund_rejected: "Refund rejected", "धनवापसी अस्वीकृत", "ਰਿਫੰਡ ਰੱਦ";
    refund_withdrawn: "Refund withdrawn", "धनवापसी का अनुरोध वापस", "ਰਿਫੰਡ ਦੀ ਬੇਨਤੀ ਵਾਪਸ";
    refund_expired: "Refund expired", "धनवापसी की समय सीमा समाप्त", "ਰਿਫੰਡ ਦੀ ਮਿਆਦ ਖਤਮ";
    case_taken: "Case taken", "मामला लिया गया", "ਮਾਮਲਾ ਲਿਆ ਗਿਆ";
    case_released: "Case released", "मामला छोड़ा गया", "ਮਾਮਲਾ ਛੱਡਿਆ ਗਿਆ";
    case_noted: "Note on a case", "मामले पर टिप्पणी", "ਮਾਮਲੇ ਤੇ ਟਿੱਪਣੀ";
    case_resolved: "Case resolved", "मामला सुलझाया गया", "ਮਾਮਲਾ ਹੱਲ ਕੀਤਾ ਗਿਆ";
    job_run: "Job run by hand", "कार्य हाथ से चलाया गया", "ਕੰਮ ਹੱਥੀਂ ਚਲਾਇਆ ਗਿਆ";
    reconciled: "Gateway asked by hand", "गेटवे से हाथ से पूछा गया", "ਗੇਟਵੇ ਤੋਂ ਹੱਥੀਂ ਪੁੱਛਿਆ ਗਿਆ";
    event_requeued: "Event published again", "घटना फिर प्रकाशित", "ਘਟਨਾ ਫਿਰ ਪ੍ਰਕਾਸ਼ਿਤ";
    account_added: "Account added", "खाता जोड़ा गया", "ਖਾਤਾ ਜੋੜਿਆ ਗਿਆ";
    account_changed: "Account changed", "खाता बदला गया", "ਖਾਤਾ ਬਦਲਿਆ ਗਿਆ";
    credential_entered: "Credentials entered", "प्रत्यय भरे गए", "ਪ੍ਰਮਾਣ ਭਰੇ ਗਏ";
    credential_verified: "Credentials verified", "प्रत्यय सत्यापित", "ਪ੍ਰਮਾਣਾਂ ਦੀ ਪੁਸ਼ਟੀ";
    credential_activated: "Credentials activated", "प्रत्यय सक्रिय किए गए", "ਪ੍ਰਮਾਣ ਚਾਲੂ ਕੀਤੇ ਗਏ";
    credential_retired: "Credentials retired", "प्रत्यय सेवानिवृत्त", "ਪ੍ਰਮਾਣ ਸੇਵਾਮੁਕਤ";
    credential_wiped: "Credentials wiped", "प्रत्यय मिटाए गए", "ਪ੍ਰਮਾਣ ਮਿਟਾਏ ਗਏ";
    keys_rotated: "Keys rotated", "कुंजियाँ बदली गईं", "ਕੁੰਜੀਆਂ ਬਦਲੀਆਂ ਗਈਆਂ";
    token_issued: "Token issued", "टोकन जारी", "ਟੋਕਨ ਜਾਰੀ";
    token_revoked: "Token revoked", "टोकन निरस्त", "ਟੋਕਨ ਰੱਦ";
    login_link_issued: "One-time link issued", "एक बार का लिंक जारी", "ਇੱਕ ਵਾਰ ਦਾ ਲਿੰਕ ਜਾਰੀ";
    logged_in: "Logged in", "लॉग इन हुआ", "ਲਾਗ ਇਨ ਹੋਇਆ";
    login_refused: "Login refused", "लॉग इन अस्वीकृत", "ਲਾਗ ਇਨ ਤੋਂ ਇਨਕਾਰ";
    logged_out: "Logged out", "लॉग आउट हुआ", "ਲਾਗ ਆਉਟ ਹੋਇਆ";
    refused: "Request refused", "अनुरोध अस्वीकृत", "ਬੇਨਤੀ ਤੋਂ ਇਨਕਾਰ";
    exported: "List downloaded", "सूची डाउनलोड", "ਸੂਚੀ ਡਾਊਨਲੋਡ";
    revealed: "Personal data shown", "व्यक्तिगत जानकारी दिखाई गई", "ਨਿੱਜੀ ਜਾਣਕਾਰੀ ਦਿਖਾਈ ਗਈ";
    searched_unmasked: "Searches with personal data", "व्यक्तिगत जानकारी सहित खोज", "ਨਿੱਜੀ ਜਾਣਕਾਰੀ ਸਮੇਤ ਖੋਜ";
    settings_changed: "Settings changed", "सेटिंग बदली गई", "ਸੈਟਿੰਗਾਂ ਬਦਲੀਆਂ ਗਈਆਂ";
    payments_moved: "Payments moved into this database", "भुगतान इस डेटाबेस में स्थानांतरित", "ਭੁਗਤਾਨ ਇਸ ਡਾਟਾਬੇਸ ਵਿੱਚ ਤਬਦੀਲ";
    move_reversed: "Move of the payments reversed", "भुगतानों का स्थानांतरण वापस लिया गया", "ਭੁਗਤਾਨਾਂ ਦੀ ਤਬਦੀਲੀ ਵਾਪਸ ਲਈ ਗਈ";
    history_sealed: "Histories sealed", "इतिहास मुहरबंद", "ਇਤਿਹਾਸ ਮੋਹਰਬੰਦ";
    redacted: "Personal data removed", "व्यक्तिगत जानकारी हटाई गई", "ਨਿੱਜੀ ਜਾਣਕਾਰੀ ਹਟਾਈ ਗਈ";
}
