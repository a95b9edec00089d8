//! Lists: filters, pages, downloads.

texts! {
    Lists;
    search: "Search", "खोज", "ਖੋਜ";
    search_hint: "Number of the payment, of the gateway, of the bank, of a bill, receipt or refund, the consumer code, or the payer's mobile number. Case and blanks do not matter.", "भुगतान, गेटवे, बैंक, बिल, रसीद या धनवापसी की संख्या, उपभोक्ता कोड, या भुगतानकर्ता का मोबाइल नंबर। अक्षरों का आकार और रिक्त स्थान मायने नहीं रखते।", "ਭੁਗਤਾਨ, ਗੇਟਵੇ, ਬੈਂਕ, ਬਿੱਲ, ਰਸੀਦ ਜਾਂ ਰਿਫੰਡ ਦਾ ਨੰਬਰ, ਖਪਤਕਾਰ ਕੋਡ, ਜਾਂ ਭੁਗਤਾਨਕਰਤਾ ਦਾ ਮੋਬਾਈਲ ਨੰਬਰ। ਅੱਖਰਾਂ ਦਾ ਆਕਾਰ ਅਤੇ ਖਾਲੀ ਥਾਂ ਮਾਇਨੇ ਨਹੀਂ ਰੱਖਦੇ।";
    find: "Find", "खोजें", "ਖੋਜੋ";
    filters: "Filters", "फ़िल्टर", "ਫਿਲਟਰ";
    apply: "Apply", "लागू करें", "ਲਾਗੂ ਕਰੋ";
    in_force: "Filters in force", "लागू फ़िल्टर", "ਲਾਗੂ ਫਿਲਟਰ";
    remove: "remove", "हटाएँ", "ਹਟਾਓ";
    nothing: "Nothing matches.", "कुछ नहीं मिला।", "ਕੁਝ ਨਹੀਂ ਮਿਲਿਆ।";
    all: "All", "सभी", "ਸਾਰੇ";
    all_of_tenants: "All of {}", "{} के सभी", "{} ਦੇ ਸਾਰੇ";
    any_status: "Any status", "कोई भी स्थिति", "ਕੋਈ ਵੀ ਸਥਿਤੀ";
    any_action: "Any action", "कोई भी कार्रवाई", "ਕੋਈ ਵੀ ਕਾਰਵਾਈ";
    search_on: "Search older ones", "और पुराने खोजें", "ਹੋਰ ਪੁਰਾਣੇ ਖੋਜੋ";
    searched_to: "Searched back to {}. What is older was not looked at.", "{} तक खोजा गया। उससे पुराने नहीं देखे गए।", "{} ਤੱਕ ਖੋਜਿਆ ਗਿਆ। ਉਸ ਤੋਂ ਪੁਰਾਣੇ ਨਹੀਂ ਦੇਖੇ ਗਏ।";
    search_over: "These words were searched for in another session. Search for them again.", "ये शब्द दूसरे सत्र में खोजे गए थे। उन्हें फिर से खोजें।", "ਇਹ ਸ਼ਬਦ ਦੂਜੇ ਸੈਸ਼ਨ ਵਿੱਚ ਖੋਜੇ ਗਏ ਸਨ। ਉਨ੍ਹਾਂ ਨੂੰ ਦੁਬਾਰਾ ਖੋਜੋ।";
    receipt_pending: "Paid, not issued yet", "भुगतान हुआ, अभी जारी नहीं", "ਭੁਗਤਾਨ ਹੋਇਆ, ਹਾਲੇ ਜਾਰੀ ਨਹੀਂ";
    receipt_none: "None: not paid", "कोई नहीं: भुगतान नहीं हुआ", "ਕੋਈ ਨਹੀਂ: ਭੁਗਤਾਨ ਨਹੀਂ ਹੋਇਆ";
    pending_for: "Pending for longer than", "इससे अधिक समय से लंबित", "ਇਸ ਤੋਂ ਵੱਧ ਸਮੇਂ ਤੋਂ ਬਕਾਇਆ";
    older_than: "Older than", "इससे पुराने", "ਇਸ ਤੋਂ ਪੁਰਾਣੇ";
    one_hour: "1 hour", "1 घंटा", "1 ਘੰਟਾ";
    one_day: "1 day", "1 दिन", "1 ਦਿਨ";
    seven_days: "7 days", "7 दिन", "7 ਦਿਨ";
    thirty_days: "30 days", "30 दिन", "30 ਦਿਨ";
    any_day: "Any day", "कोई भी दिन", "ਕੋਈ ਵੀ ਦਿਨ";
    problems: "Some filters cannot be read", "कुछ फ़िल्टर पढ़े नहीं जा सकते", "ਕੁਝ ਫਿਲਟਰ ਪੜ੍ਹੇ ਨਹੀਂ ਜਾ ਸਕਦੇ";
    choose_listed: "choose one of the list", "सूची में से एक चुनें", "ਸੂਚੀ ਵਿੱਚੋਂ ਇੱਕ ਚੁਣੋ";
    write_day: "write a day as 2026-11-30", "दिन को 2026-11-30 जैसा लिखें", "ਦਿਨ ਨੂੰ 2026-11-30 ਵਾਂਗ ਲਿਖੋ";
    write_amount: "write an amount as 1234.50", "राशि को 1234.50 जैसी लिखें", "ਰਕਮ ਨੂੰ 1234.50 ਵਾਂਗ ਲਿਖੋ";
    pages: "Pages", "पृष्ठ", "ਪੰਨੇ";
    newest: "Newest", "सबसे नए", "ਸਭ ਤੋਂ ਨਵੇਂ";
    oldest: "Oldest", "सबसे पुराने", "ਸਭ ਤੋਂ ਪੁਰਾਣੇ";
    older: "Older", "पुराने", "ਪੁਰਾਣੇ";
    newer: "Newer", "नए", "ਨਵੇਂ";
    download: "Download this list", "यह सूची डाउनलोड करें", "ਇਹ ਸੂਚੀ ਡਾਊਨਲੋਡ ਕਰੋ";
    download_note: "All rows of this view, on all pages. The audit log records who downloads what.", "इस दृश्य की सभी पंक्तियाँ, सभी पृष्ठों की। लेखा परीक्षा लॉग में दर्ज होता है कि किसने क्या डाउनलोड किया।", "ਇਸ ਦ੍ਰਿਸ਼ ਦੀਆਂ ਸਾਰੀਆਂ ਕਤਾਰਾਂ, ਸਾਰੇ ਪੰਨਿਆਂ ਦੀਆਂ। ਆਡਿਟ ਲਾਗ ਵਿੱਚ ਦਰਜ ਹੁੰਦਾ ਹੈ ਕਿ ਕਿਸ ਨੇ ਕੀ ਡਾਊਨਲੋਡ ਕੀਤਾ।";
    download_reason: "Reason to include personal data", "व्यक्तिगत जानकारी शामिल करने का कारण", "ਨਿੱਜੀ ਜਾਣਕਾਰੀ ਸ਼ਾਮਲ ਕਰਨ ਦਾ ਕਾਰਨ";
    download_reason_hint: "Without a reason names, numbers and addresses are starred. The reason is kept in the audit log with your name.", "कारण के बिना नाम, नंबर और पते तारांकित रहते हैं। कारण आपके नाम के साथ लेखा परीक्षा लॉग में रहता है।", "ਕਾਰਨ ਤੋਂ ਬਿਨਾਂ ਨਾਮ, ਨੰਬਰ ਅਤੇ ਪਤੇ ਤਾਰਿਆਂ ਨਾਲ ਲੁਕੇ ਰਹਿੰਦੇ ਹਨ। ਕਾਰਨ ਤੁਹਾਡੇ ਨਾਮ ਨਾਲ ਆਡਿਟ ਲਾਗ ਵਿੱਚ ਰਹਿੰਦਾ ਹੈ।";
    download_busy: "Other downloads are under way. Try again in a minute.", "अन्य डाउनलोड चल रहे हैं। एक मिनट बाद फिर प्रयास करें।", "ਹੋਰ ਡਾਊਨਲੋਡ ਚੱਲ ਰਹੇ ਹਨ। ਇੱਕ ਮਿੰਟ ਬਾਅਦ ਫਿਰ ਕੋਸ਼ਿਸ਼ ਕਰੋ।";
    download_too_long: "XLSX holds at most 1,048,575 rows. Narrow the view by its filters, or download CSV.", "XLSX में अधिकतम 1,048,575 पंक्तियाँ आती हैं। फ़िल्टर से दृश्य छोटा करें, या CSV डाउनलोड करें।", "XLSX ਵਿੱਚ ਵੱਧ ਤੋਂ ਵੱਧ 1,048,575 ਕਤਾਰਾਂ ਆਉਂਦੀਆਂ ਹਨ। ਫਿਲਟਰਾਂ ਨਾਲ ਦ੍ਰਿਸ਼ ਛੋਟਾ ਕਰੋ, ਜਾਂ CSV ਡਾਊਨਲੋਡ ਕਰੋ।";
    download_no_file: "The temporary file of the XLSX cannot be written. Download CSV.", "XLSX की अस्थायी फ़ाइल नहीं लिखी जा सकती। CSV डाउनलोड करें।", "XLSX ਦੀ ਅਸਥਾਈ ਫਾਈਲ ਨਹੀਂ ਲਿਖੀ ਜਾ ਸਕਦੀ। CSV ਡਾਊਨਲੋਡ ਕਰੋ।";
}
