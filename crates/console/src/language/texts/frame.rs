//! The frame of every page.

texts! {
    Frame;
    product: "Payment gateway service", "भुगतान गेटवे सेवा", "ਭੁਗਤਾਨ ਗੇਟਵੇ ਸੇਵਾ";
    footer: "Payment gateway service. Times name their zone.", "भुगतान गेटवे सेवा। समय के साथ उसका समय क्षेत्र लिखा है।", "ਭੁਗਤਾਨ ਗੇਟਵੇ ਸੇਵਾ। ਸਮੇਂ ਨਾਲ ਉਸਦਾ ਸਮਾਂ ਖੇਤਰ ਲਿਖਿਆ ਹੈ।";
    request: "Request", "अनुरोध", "ਬੇਨਤੀ";
    skip: "Skip to the content", "सामग्री पर जाएँ", "ਸਮੱਗਰੀ ਤੇ ਜਾਓ";
    language: "Language", "भाषा", "ਭਾਸ਼ਾ";
    sections: "Sections", "अनुभाग", "ਭਾਗ";
    breadcrumbs: "You are here", "आप यहाँ हैं", "ਤੁਸੀਂ ਇੱਥੇ ਹੋ";
    sandbox: "Sandbox.", "सैंडबॉक्स।", "ਸੈਂਡਬੌਕਸ।";
    sandbox_note: "Payments through the sandbox gateway move no money.", "सैंडबॉक्स गेटवे से किए गए भुगतान में कोई पैसा नहीं जाता।", "ਸੈਂਡਬੌਕਸ ਗੇਟਵੇ ਰਾਹੀਂ ਭੁਗਤਾਨ ਵਿੱਚ ਕੋਈ ਪੈਸਾ ਨਹੀਂ ਜਾਂਦਾ।";
    log_out: "Log out", "लॉग आउट", "ਲਾਗ ਆਉਟ";
    tenant: "Tenant", "निकाय", "ਨਿਕਾਇ";
    roles: "Roles", "भूमिकाएँ", "ਭੂਮਿਕਾਵਾਂ";
    name: "Name", "नाम", "ਨਾਮ";
    to_start: "To the start page", "आरंभ पृष्ठ पर", "ਸ਼ੁਰੂਆਤੀ ਪੰਨੇ ਤੇ";
    today: "Today", "आज", "ਅੱਜ";
    payments: "Payments", "भुगतान", "ਭੁਗਤਾਨ";
    attention: "Attention", "ध्यान दें", "ਧਿਆਨ ਦਿਓ";
    refunds: "Refunds", "धनवापसी", "ਰਿਫੰਡ";
    accounts: "Accounts", "खाते", "ਖਾਤੇ";
    events: "Events", "घटनाएँ", "ਘਟਨਾਵਾਂ";
    jobs: "Jobs and gateways", "कार्य और गेटवे", "ਕੰਮ ਅਤੇ ਗੇਟਵੇ";
    audit: "Audit log", "लेखा परीक्षा लॉग", "ਆਡਿਟ ਲਾਗ";
    sessions: "Sessions", "सत्र", "ਸੈਸ਼ਨ";
}
