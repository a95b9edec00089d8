//! Every text of the console, in English, Hindi and Punjabi. A text that lacks one of them does not compile.

macro_rules! texts {
    ($($key:ident: $english:literal, $hindi:literal, $punjabi:literal;)*) => {
        pub(crate) struct Texts {
            $(pub(crate) $key: &'static str,)*
        }

        pub(super) static ENGLISH: Texts = Texts { $($key: $english,)* };
        pub(super) static HINDI: Texts = Texts { $($key: $hindi,)* };
        pub(super) static PUNJABI: Texts = Texts { $($key: $punjabi,)* };

        #[cfg(test)]
        impl Texts {
            pub(super) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($key), self.$key),)*]
            }
        }
    };
}

texts! {
    // The frame.
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

    // Errors.
    not_found: "Page not found", "पृष्ठ नहीं मिला", "ਪੰਨਾ ਨਹੀਂ ਮਿਲਿਆ";
    not_found_reason: "There is no such page, or what it shows is not within your tenants.", "ऐसा कोई पृष्ठ नहीं है, या वह आपके निकायों में नहीं है।", "ਅਜਿਹਾ ਕੋਈ ਪੰਨਾ ਨਹੀਂ ਹੈ, ਜਾਂ ਉਹ ਤੁਹਾਡੇ ਨਿਕਾਇਆਂ ਵਿੱਚ ਨਹੀਂ ਹੈ।";
    not_found_advice: "Check the address, or search for the number.", "पता जाँचें, या संख्या खोजें।", "ਪਤਾ ਜਾਂਚੋ, ਜਾਂ ਨੰਬਰ ਖੋਜੋ।";
    logged_out: "Not logged in", "लॉग इन नहीं हैं", "ਲਾਗ ਇਨ ਨਹੀਂ ਹੋ";
    logged_out_reason: "Your session is over. Nothing was changed.", "आपका सत्र समाप्त हो गया है। कुछ भी नहीं बदला गया।", "ਤੁਹਾਡਾ ਸੈਸ਼ਨ ਖਤਮ ਹੋ ਗਿਆ ਹੈ। ਕੁਝ ਵੀ ਨਹੀਂ ਬਦਲਿਆ।";
    logged_out_advice: "Log in again, then repeat what you did.", "फिर से लॉग इन करें और दोबारा करें।", "ਦੁਬਾਰਾ ਲਾਗ ਇਨ ਕਰੋ ਅਤੇ ਫਿਰ ਕਰੋ।";
    denied: "Not allowed", "अनुमति नहीं है", "ਆਗਿਆ ਨਹੀਂ ਹੈ";
    denied_advice: "An administrator gives roles. This refusal is in the audit log.", "प्रशासक भूमिकाएँ देता है। यह अस्वीकृति लेखा परीक्षा लॉग में दर्ज है।", "ਪ੍ਰਸ਼ਾਸਕ ਭੂਮਿਕਾਵਾਂ ਦਿੰਦਾ ਹੈ। ਇਹ ਇਨਕਾਰ ਆਡਿਟ ਲਾਗ ਵਿੱਚ ਦਰਜ ਹੈ।";
    forged: "The form was not accepted", "फ़ॉर्म स्वीकार नहीं हुआ", "ਫਾਰਮ ਸਵੀਕਾਰ ਨਹੀਂ ਹੋਇਆ";
    forged_reason: "It was not sent by a page of this session. Nothing was changed.", "यह इस सत्र के किसी पृष्ठ से नहीं भेजा गया। कुछ भी नहीं बदला गया।", "ਇਹ ਇਸ ਸੈਸ਼ਨ ਦੇ ਕਿਸੇ ਪੰਨੇ ਤੋਂ ਨਹੀਂ ਭੇਜਿਆ ਗਿਆ। ਕੁਝ ਵੀ ਨਹੀਂ ਬਦਲਿਆ।";
    forged_advice: "Open the page again and send the form from there.", "पृष्ठ फिर से खोलें और वहाँ से फ़ॉर्म भेजें।", "ਪੰਨਾ ਦੁਬਾਰਾ ਖੋਲ੍ਹੋ ਅਤੇ ਉੱਥੋਂ ਫਾਰਮ ਭੇਜੋ।";
    too_many: "Too many logins", "बहुत अधिक लॉग इन", "ਬਹੁਤ ਜ਼ਿਆਦਾ ਲਾਗ ਇਨ";
    too_many_reason: "Logins are limited for each address and minute.", "हर पते और मिनट के लिए लॉग इन सीमित हैं।", "ਹਰ ਪਤੇ ਅਤੇ ਮਿੰਟ ਲਈ ਲਾਗ ਇਨ ਸੀਮਤ ਹਨ।";
    too_many_advice: "Try again in a minute.", "एक मिनट बाद फिर प्रयास करें।", "ਇੱਕ ਮਿੰਟ ਬਾਅਦ ਫਿਰ ਕੋਸ਼ਿਸ਼ ਕਰੋ।";
    link_spent: "The link cannot be used", "लिंक का उपयोग नहीं हो सकता", "ਲਿੰਕ ਵਰਤਿਆ ਨਹੀਂ ਜਾ ਸਕਦਾ";
    link_spent_reason: "It is unknown, was used, or is older than ten minutes.", "यह अज्ञात है, उपयोग हो चुका है, या दस मिनट से पुराना है।", "ਇਹ ਅਣਜਾਣ ਹੈ, ਵਰਤਿਆ ਜਾ ਚੁੱਕਾ ਹੈ, ਜਾਂ ਦਸ ਮਿੰਟ ਤੋਂ ਪੁਰਾਣਾ ਹੈ।";
    link_spent_advice: "Issue another one: pg-service console login.", "दूसरा लिंक जारी करें: pg-service console login", "ਦੂਜਾ ਲਿੰਕ ਜਾਰੀ ਕਰੋ: pg-service console login";
    refused: "Not done", "नहीं किया गया", "ਨਹੀਂ ਕੀਤਾ ਗਿਆ";
    refused_advice: "Go back, load the page again, and decide on what it shows now.", "वापस जाएँ, पृष्ठ फिर से लोड करें, और जो अब दिखता है उस पर निर्णय लें।", "ਵਾਪਸ ਜਾਓ, ਪੰਨਾ ਦੁਬਾਰਾ ਲੋਡ ਕਰੋ, ਅਤੇ ਜੋ ਹੁਣ ਦਿਸਦਾ ਹੈ ਉਸ ਤੇ ਫੈਸਲਾ ਕਰੋ।";
    unavailable: "The database is unavailable", "डेटाबेस उपलब्ध नहीं है", "ਡਾਟਾਬੇਸ ਉਪਲਬਧ ਨਹੀਂ ਹੈ";
    unavailable_reason: "It does not answer in time. Whether a form was carried out, the page tells when it is back.", "वह समय पर उत्तर नहीं देता। फ़ॉर्म पूरा हुआ या नहीं, यह पृष्ठ लौटने पर बताएगा।", "ਉਹ ਸਮੇਂ ਸਿਰ ਜਵਾਬ ਨਹੀਂ ਦਿੰਦਾ। ਫਾਰਮ ਪੂਰਾ ਹੋਇਆ ਜਾਂ ਨਹੀਂ, ਇਹ ਪੰਨਾ ਵਾਪਸ ਆਉਣ ਤੇ ਦੱਸੇਗਾ।";
    unavailable_advice: "Try again in a moment.", "थोड़ी देर बाद फिर प्रयास करें।", "ਥੋੜ੍ਹੀ ਦੇਰ ਬਾਅਦ ਫਿਰ ਕੋਸ਼ਿਸ਼ ਕਰੋ।";
    failed: "The page cannot be shown", "पृष्ठ नहीं दिखाया जा सकता", "ਪੰਨਾ ਨਹੀਂ ਦਿਖਾਇਆ ਜਾ ਸਕਦਾ";
    failed_reason: "The service has failed. The log has the cause.", "सेवा विफल हुई है। कारण लॉग में है।", "ਸੇਵਾ ਅਸਫਲ ਹੋਈ ਹੈ। ਕਾਰਨ ਲਾਗ ਵਿੱਚ ਹੈ।";
    failed_advice: "Give the request number to those who run the service.", "अनुरोध संख्या सेवा चलाने वालों को दें।", "ਬੇਨਤੀ ਨੰਬਰ ਸੇਵਾ ਚਲਾਉਣ ਵਾਲਿਆਂ ਨੂੰ ਦਿਓ।";
    form_used: "This form was sent before with other entries, and was carried out then.", "यह फ़ॉर्म पहले अन्य प्रविष्टियों के साथ भेजा गया था और तब पूरा हुआ।", "ਇਹ ਫਾਰਮ ਪਹਿਲਾਂ ਹੋਰ ਐਂਟਰੀਆਂ ਨਾਲ ਭੇਜਿਆ ਗਿਆ ਸੀ ਅਤੇ ਉਦੋਂ ਪੂਰਾ ਹੋਇਆ।";
    unanswered: "No answer in time", "समय पर उत्तर नहीं", "ਸਮੇਂ ਸਿਰ ਜਵਾਬ ਨਹੀਂ";
    unanswered_reason: "The page was not ready in time, or the service is overloaded or stops. What a form has begun goes on.", "पृष्ठ समय पर तैयार नहीं हुआ, या सेवा पर अधिक भार है या वह रुक रही है। फ़ॉर्म से शुरू हुआ काम जारी रहता है।", "ਪੰਨਾ ਸਮੇਂ ਸਿਰ ਤਿਆਰ ਨਹੀਂ ਹੋਇਆ, ਜਾਂ ਸੇਵਾ ਤੇ ਵੱਧ ਭਾਰ ਹੈ ਜਾਂ ਉਹ ਰੁਕ ਰਹੀ ਹੈ। ਫਾਰਮ ਨਾਲ ਸ਼ੁਰੂ ਹੋਇਆ ਕੰਮ ਜਾਰੀ ਰਹਿੰਦਾ ਹੈ।";
    unanswered_advice: "Load the page again in a moment. A form that is sent again is carried out once.", "थोड़ी देर में पृष्ठ फिर से लोड करें। दोबारा भेजा गया फ़ॉर्म एक ही बार पूरा होता है।", "ਥੋੜ੍ਹੀ ਦੇਰ ਵਿੱਚ ਪੰਨਾ ਦੁਬਾਰਾ ਲੋਡ ਕਰੋ। ਦੁਬਾਰਾ ਭੇਜਿਆ ਫਾਰਮ ਇੱਕੋ ਵਾਰ ਪੂਰਾ ਹੁੰਦਾ ਹੈ।";
    unreadable: "The request was not accepted", "अनुरोध स्वीकार नहीं हुआ", "ਬੇਨਤੀ ਸਵੀਕਾਰ ਨਹੀਂ ਹੋਈ";
    unreadable_reason: "It is too long, or did not arrive whole. Nothing was changed.", "यह बहुत लंबा है, या पूरा नहीं पहुँचा। कुछ भी नहीं बदला गया।", "ਇਹ ਬਹੁਤ ਲੰਮੀ ਹੈ, ਜਾਂ ਪੂਰੀ ਨਹੀਂ ਪਹੁੰਚੀ। ਕੁਝ ਵੀ ਨਹੀਂ ਬਦਲਿਆ।";
    unreadable_advice: "Go back, shorten the entries, and send the form again.", "वापस जाएँ, प्रविष्टियाँ छोटी करें, और फ़ॉर्म फिर भेजें।", "ਵਾਪਸ ਜਾਓ, ਐਂਟਰੀਆਂ ਛੋਟੀਆਂ ਕਰੋ, ਅਤੇ ਫਾਰਮ ਦੁਬਾਰਾ ਭੇਜੋ।";

    // Login and sessions.
    login: "Log in", "लॉग इन", "ਲਾਗ ਇਨ";
    login_link: "Log in by a one-time link, which this command issues beside the service:", "एक बार के लिंक से लॉग इन करें, जिसे यह आदेश सेवा के पास जारी करता है:", "ਇੱਕ ਵਾਰ ਦੇ ਲਿੰਕ ਨਾਲ ਲਾਗ ਇਨ ਕਰੋ, ਜਿਸਨੂੰ ਇਹ ਕਮਾਂਡ ਸੇਵਾ ਕੋਲ ਜਾਰੀ ਕਰਦੀ ਹੈ:";
    login_life: "A link works once and for ten minutes. A session ends after 30 minutes without a request, and after 8 hours.", "लिंक एक बार और दस मिनट तक चलता है। सत्र 30 मिनट बिना अनुरोध के, और 8 घंटे बाद समाप्त होता है।", "ਲਿੰਕ ਇੱਕ ਵਾਰ ਅਤੇ ਦਸ ਮਿੰਟ ਤੱਕ ਚੱਲਦਾ ਹੈ। ਸੈਸ਼ਨ 30 ਮਿੰਟ ਬਿਨਾਂ ਬੇਨਤੀ ਦੇ, ਅਤੇ 8 ਘੰਟੇ ਬਾਅਦ ਖਤਮ ਹੁੰਦਾ ਹੈ।";
    login_https: "Away from the service's own machine the console needs HTTPS and cookies.", "सेवा की अपनी मशीन से दूर कंसोल को HTTPS और कुकी चाहिए।", "ਸੇਵਾ ਦੀ ਆਪਣੀ ਮਸ਼ੀਨ ਤੋਂ ਦੂਰ ਕੰਸੋਲ ਨੂੰ HTTPS ਅਤੇ ਕੂਕੀ ਚਾਹੀਦੀ ਹੈ।";
    enter: "Enter the console", "कंसोल में प्रवेश करें", "ਕੰਸੋਲ ਵਿੱਚ ਦਾਖਲ ਹੋਵੋ";
    valid_until: "Valid until", "तक मान्य", "ਤੱਕ ਵੈਧ";
    valid_sessions: "Valid sessions", "मान्य सत्र", "ਵੈਧ ਸੈਸ਼ਨ";
    sessions_note: "A session that ends here proves nothing from its next request on. An administrator of a state sees those of all.", "यहाँ समाप्त किया गया सत्र अगले अनुरोध से मान्य नहीं रहता। राज्य का प्रशासक सभी के सत्र देखता है।", "ਇੱਥੇ ਖਤਮ ਕੀਤਾ ਸੈਸ਼ਨ ਅਗਲੀ ਬੇਨਤੀ ਤੋਂ ਵੈਧ ਨਹੀਂ ਰਹਿੰਦਾ। ਰਾਜ ਦਾ ਪ੍ਰਸ਼ਾਸਕ ਸਭ ਦੇ ਸੈਸ਼ਨ ਵੇਖਦਾ ਹੈ।";
    this_session: "this session", "यह सत्र", "ਇਹ ਸੈਸ਼ਨ";
    started: "Started", "आरंभ", "ਸ਼ੁਰੂ";
    last_used: "Last used", "अंतिम उपयोग", "ਆਖਰੀ ਵਰਤੋਂ";
    address: "Address", "पता", "ਪਤਾ";
    end_session: "End", "समाप्त करें", "ਖਤਮ ਕਰੋ";

    // The start.
    as_of: "As of {}.", "{} की स्थिति।", "{} ਦੀ ਸਥਿਤੀ।";
    pending_payments: "payments are pending", "भुगतान लंबित हैं", "ਭੁਗਤਾਨ ਬਕਾਇਆ ਹਨ";
    open_cases: "cases need an operator", "मामलों को संचालक चाहिए", "ਮਾਮਲਿਆਂ ਨੂੰ ਸੰਚਾਲਕ ਚਾਹੀਦਾ ਹੈ";
    refunds_to_decide: "refunds are yours to decide", "धनवापसी पर आपका निर्णय चाहिए", "ਰਿਫੰਡ ਤੇ ਤੁਹਾਡਾ ਫੈਸਲਾ ਚਾਹੀਦਾ ਹੈ";
    latest: "Latest payments", "नवीनतम भुगतान", "ਤਾਜ਼ਾ ਭੁਗਤਾਨ";

    // Lists.
    search: "Search", "खोज", "ਖੋਜ";
    search_hint: "Number of the payment, of the gateway, of a bill, receipt or refund, or the consumer code. Case and blanks do not matter.", "भुगतान, गेटवे, बिल, रसीद या धनवापसी की संख्या, या उपभोक्ता कोड। अक्षर के आकार और रिक्त स्थान से अंतर नहीं पड़ता।", "ਭੁਗਤਾਨ, ਗੇਟਵੇ, ਬਿੱਲ, ਰਸੀਦ ਜਾਂ ਰਿਫੰਡ ਦਾ ਨੰਬਰ, ਜਾਂ ਖਪਤਕਾਰ ਕੋਡ। ਅੱਖਰਾਂ ਦੇ ਆਕਾਰ ਅਤੇ ਖਾਲੀ ਥਾਂ ਨਾਲ ਫਰਕ ਨਹੀਂ ਪੈਂਦਾ।";
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
    status: "Status", "स्थिति", "ਸਥਿਤੀ";
    gateway: "Gateway", "गेटवे", "ਗੇਟਵੇ";
    gateways: "Gateways", "गेटवे", "ਗੇਟਵੇ";
    service: "Service", "सेवा", "ਸੇਵਾ";
    from_day: "From day", "दिन से", "ਦਿਨ ਤੋਂ";
    to_day: "To day", "दिन तक", "ਦਿਨ ਤੱਕ";
    amount_from: "Amount from", "राशि से", "ਰਕਮ ਤੋਂ";
    amount_to: "Amount to", "राशि तक", "ਰਕਮ ਤੱਕ";
    payment: "Payment", "भुगतान", "ਭੁਗਤਾਨ";
    amount: "Amount", "राशि", "ਰਕਮ";
    created: "Created", "बनाया गया", "ਬਣਾਇਆ ਗਿਆ";
    payer: "Payer", "भुगतानकर्ता", "ਭੁਗਤਾਨਕਰਤਾ";
    consumer_code: "Consumer code", "उपभोक्ता कोड", "ਖਪਤਕਾਰ ਕੋਡ";
    receipt: "Receipt", "रसीद", "ਰਸੀਦ";
    pending: "Pending", "लंबित", "ਬਕਾਇਆ";
    paid: "Paid", "भुगतान हुआ", "ਭੁਗਤਾਨ ਹੋਇਆ";
    failure: "Failed", "विफल", "ਅਸਫਲ";
    none: "none", "कोई नहीं", "ਕੋਈ ਨਹੀਂ";
    minutes_ago: "{} minutes ago", "{} मिनट पहले", "{} ਮਿੰਟ ਪਹਿਲਾਂ";
    hours_ago: "{} hours ago", "{} घंटे पहले", "{} ਘੰਟੇ ਪਹਿਲਾਂ";
    days_ago: "{} days ago", "{} दिन पहले", "{} ਦਿਨ ਪਹਿਲਾਂ";

    // One payment.
    payment_title: "Payment {}", "भुगतान {}", "ਭੁਗਤਾਨ {}";
    next: "What happens next", "आगे क्या होगा", "ਅੱਗੇ ਕੀ ਹੋਵੇਗਾ";
    next_first_check: "The gateway is asked by itself for the first time at {} or soon after.", "गेटवे से पहली बार अपने आप {} को या उसके तुरंत बाद पूछा जाएगा।", "ਗੇਟਵੇ ਤੋਂ ਪਹਿਲੀ ਵਾਰ ਆਪਣੇ ਆਪ {} ਨੂੰ ਜਾਂ ਤੁਰੰਤ ਬਾਅਦ ਪੁੱਛਿਆ ਜਾਵੇਗਾ।";
    next_checks: "The gateway is asked by itself at growing intervals until it decides. Until then the bill cannot be paid again.", "निर्णय होने तक गेटवे से अपने आप बढ़ते अंतराल पर पूछा जाता है। तब तक बिल दोबारा नहीं भरा जा सकता।", "ਫੈਸਲਾ ਹੋਣ ਤੱਕ ਗੇਟਵੇ ਤੋਂ ਆਪਣੇ ਆਪ ਵਧਦੇ ਅੰਤਰਾਲਾਂ ਤੇ ਪੁੱਛਿਆ ਜਾਂਦਾ ਹੈ। ਉਦੋਂ ਤੱਕ ਬਿੱਲ ਦੁਬਾਰਾ ਨਹੀਂ ਭਰਿਆ ਜਾ ਸਕਦਾ।";
    next_receipt: "The receipt is issued by itself; the next attempt is at {}.", "रसीद अपने आप जारी होती है; अगला प्रयास {} को है।", "ਰਸੀਦ ਆਪਣੇ ਆਪ ਜਾਰੀ ਹੁੰਦੀ ਹੈ; ਅਗਲੀ ਕੋਸ਼ਿਸ਼ {} ਨੂੰ ਹੈ।";
    next_free: "Nothing. The bill can be paid again.", "कुछ नहीं। बिल दोबारा भरा जा सकता है।", "ਕੁਝ ਨਹੀਂ। ਬਿੱਲ ਦੁਬਾਰਾ ਭਰਿਆ ਜਾ ਸਕਦਾ ਹੈ।";
    next_held: "The payment has failed, and an open case may keep its bill from being paid again.", "भुगतान विफल हुआ है, और खुला मामला बिल को दोबारा भरने से रोक सकता है।", "ਭੁਗਤਾਨ ਅਸਫਲ ਹੋਇਆ ਹੈ, ਅਤੇ ਖੁੱਲ੍ਹਾ ਮਾਮਲਾ ਬਿੱਲ ਨੂੰ ਦੁਬਾਰਾ ਭਰਨ ਤੋਂ ਰੋਕ ਸਕਦਾ ਹੈ।";
    next_refund_requested: "Refund {} of {} waits for a checker.", "धनवापसी {} ({}) जाँचकर्ता की प्रतीक्षा में है।", "ਰਿਫੰਡ {} ({}) ਜਾਂਚਕਰਤਾ ਦੀ ਉਡੀਕ ਵਿੱਚ ਹੈ।";
    next_refund_sent: "Refund {} of {} is carried out by itself; the gateway is asked until it is certain.", "धनवापसी {} ({}) अपने आप होती है; निश्चित होने तक गेटवे से पूछा जाता है।", "ਰਿਫੰਡ {} ({}) ਆਪਣੇ ਆਪ ਹੁੰਦਾ ਹੈ; ਪੱਕਾ ਹੋਣ ਤੱਕ ਗੇਟਵੇ ਤੋਂ ਪੁੱਛਿਆ ਜਾਂਦਾ ਹੈ।";
    next_case: "An operator decides the open case.", "संचालक खुले मामले पर निर्णय लेता है।", "ਸੰਚਾਲਕ ਖੁੱਲ੍ਹੇ ਮਾਮਲੇ ਤੇ ਫੈਸਲਾ ਲੈਂਦਾ ਹੈ।";
    next_nothing: "Nothing: the payment is complete.", "कुछ नहीं: भुगतान पूरा है।", "ਕੁਝ ਨਹੀਂ: ਭੁਗਤਾਨ ਪੂਰਾ ਹੈ।";
    owed: "What is owed", "क्या देय है", "ਕੀ ਦੇਣਾ ਹੈ";
    owed_unknown: "Not known yet: if the payer has paid, {} and a receipt are accounted for when the gateway says so.", "अभी ज्ञात नहीं: यदि भुगतानकर्ता ने भुगतान किया है, तो गेटवे के बताने पर {} और रसीद दर्ज होंगे।", "ਹਾਲੇ ਪਤਾ ਨਹੀਂ: ਜੇ ਭੁਗਤਾਨਕਰਤਾ ਨੇ ਭੁਗਤਾਨ ਕੀਤਾ ਹੈ, ਤਾਂ ਗੇਟਵੇ ਦੇ ਦੱਸਣ ਤੇ {} ਅਤੇ ਰਸੀਦ ਦਰਜ ਹੋਣਗੇ।";
    owed_receipt: "A receipt, to the payer.", "भुगतानकर्ता को रसीद।", "ਭੁਗਤਾਨਕਰਤਾ ਨੂੰ ਰਸੀਦ।";
    owed_refund: "{}, to the payer, through the gateway.", "गेटवे के माध्यम से भुगतानकर्ता को {}।", "ਗੇਟਵੇ ਰਾਹੀਂ ਭੁਗਤਾਨਕਰਤਾ ਨੂੰ {}।";
    owed_if_approved: "{}, to the payer, if a checker approves.", "जाँचकर्ता के अनुमोदन पर भुगतानकर्ता को {}।", "ਜਾਂਚਕਰਤਾ ਦੀ ਮਨਜ਼ੂਰੀ ਤੇ ਭੁਗਤਾਨਕਰਤਾ ਨੂੰ {}।";
    owed_nothing: "Nothing.", "कुछ नहीं।", "ਕੁਝ ਨਹੀਂ।";
    may_do: "What you may do", "आप क्या कर सकते हैं", "ਤੁਸੀਂ ਕੀ ਕਰ ਸਕਦੇ ਹੋ";
    ask_now: "Ask the gateway now", "गेटवे से अभी पूछें", "ਗੇਟਵੇ ਤੋਂ ਹੁਣੇ ਪੁੱਛੋ";
    request_refund: "Request a refund", "धनवापसी का अनुरोध करें", "ਰਿਫੰਡ ਦੀ ਬੇਨਤੀ ਕਰੋ";
    said_asked: "The gateway was asked. The page shows its answer.", "गेटवे से पूछा गया। पृष्ठ उसका उत्तर दिखाता है।", "ਗੇਟਵੇ ਤੋਂ ਪੁੱਛਿਆ ਗਿਆ। ਪੰਨਾ ਉਸਦਾ ਜਵਾਬ ਦਿਖਾਉਂਦਾ ਹੈ।";
    said_unusable: "The gateway gave no usable answer. The payment stays as it is, and is asked about again by itself.", "गेटवे ने उपयोगी उत्तर नहीं दिया। भुगतान वैसा ही रहता है, और अपने आप फिर पूछा जाएगा।", "ਗੇਟਵੇ ਨੇ ਵਰਤਣਯੋਗ ਜਵਾਬ ਨਹੀਂ ਦਿੱਤਾ। ਭੁਗਤਾਨ ਉਵੇਂ ਹੀ ਰਹਿੰਦਾ ਹੈ, ਅਤੇ ਆਪਣੇ ਆਪ ਫਿਰ ਪੁੱਛਿਆ ਜਾਵੇਗਾ।";
    said_unavailable: "The gateway was not asked: it is unavailable, or was asked a moment ago. The payment stays as it is.", "गेटवे से नहीं पूछा गया: वह उपलब्ध नहीं है, या अभी पूछा गया था। भुगतान वैसा ही रहता है।", "ਗੇਟਵੇ ਤੋਂ ਨਹੀਂ ਪੁੱਛਿਆ ਗਿਆ: ਉਹ ਉਪਲਬਧ ਨਹੀਂ ਹੈ, ਜਾਂ ਹੁਣੇ ਪੁੱਛਿਆ ਗਿਆ ਸੀ। ਭੁਗਤਾਨ ਉਵੇਂ ਹੀ ਰਹਿੰਦਾ ਹੈ।";
    said_settled: "The gateway need not be asked: the payment is settled.", "गेटवे से पूछने की आवश्यकता नहीं: भुगतान निपट चुका है।", "ਗੇਟਵੇ ਤੋਂ ਪੁੱਛਣ ਦੀ ਲੋੜ ਨਹੀਂ: ਭੁਗਤਾਨ ਨਿਪਟ ਚੁੱਕਾ ਹੈ।";
    said_revealed: "Personal data is shown. The audit log has your reason.", "व्यक्तिगत जानकारी दिखाई गई है। आपका कारण लेखा परीक्षा लॉग में है।", "ਨਿੱਜੀ ਜਾਣਕਾਰੀ ਦਿਖਾਈ ਗਈ ਹੈ। ਤੁਹਾਡਾ ਕਾਰਨ ਆਡਿਟ ਲਾਗ ਵਿੱਚ ਹੈ।";
    money: "The money", "पैसा", "ਪੈਸਾ";
    flow_bill: "Bill {}", "बिल {}", "ਬਿੱਲ {}";
    flow_billed: "is to be paid", "भुगतान के लिए", "ਭੁਗਤਾਨ ਲਈ";
    flow_pending: "not decided yet", "अभी निर्णय नहीं", "ਹਾਲੇ ਫੈਸਲਾ ਨਹੀਂ";
    flow_paid: "has taken the money", "पैसा मिल गया", "ਪੈਸਾ ਮਿਲ ਗਿਆ";
    flow_failed: "payment failed", "भुगतान विफल", "ਭੁਗਤਾਨ ਅਸਫਲ";
    flow_receipt: "issued", "जारी", "ਜਾਰੀ";
    flow_receipt_due: "is being issued", "जारी हो रही है", "ਜਾਰੀ ਹੋ ਰਹੀ ਹੈ";
    flow_receipt_cancelled: "cancelled", "रद्द", "ਰੱਦ";
    flow_no_receipt: "none", "कोई नहीं", "ਕੋਈ ਨਹੀਂ";
    details: "Details", "विवरण", "ਵੇਰਵੇ";
    bills: "Bills", "बिल", "ਬਿੱਲ";
    purpose: "Purpose", "उद्देश्य", "ਉਦੇਸ਼";
    mobile: "Mobile number", "मोबाइल नंबर", "ਮੋਬਾਈਲ ਨੰਬਰ";
    email: "E-mail", "ई-मेल", "ਈ-ਮੇਲ";
    gateway_number: "Gateway's number", "गेटवे की संख्या", "ਗੇਟਵੇ ਦਾ ਨੰਬਰ";
    gateway_word: "Gateway's message", "गेटवे का संदेश", "ਗੇਟਵੇ ਦਾ ਸੁਨੇਹਾ";
    mode: "Mode of payment", "भुगतान का माध्यम", "ਭੁਗਤਾਨ ਦਾ ਢੰਗ";
    reveal: "Show personal data", "व्यक्तिगत जानकारी दिखाएँ", "ਨਿੱਜੀ ਜਾਣਕਾਰੀ ਦਿਖਾਓ";
    reveal_reason: "Reason", "कारण", "ਕਾਰਨ";
    reveal_hint: "It is kept in the audit log with your name.", "यह आपके नाम के साथ लेखा परीक्षा लॉग में रहता है।", "ਇਹ ਤੁਹਾਡੇ ਨਾਮ ਨਾਲ ਆਡਿਟ ਲਾਗ ਵਿੱਚ ਰਹਿੰਦਾ ਹੈ।";
    reveal_now: "Show it now", "अभी दिखाएँ", "ਹੁਣੇ ਦਿਖਾਓ";
    reason_required: "A reason is required.", "कारण आवश्यक है।", "ਕਾਰਨ ਲੋੜੀਂਦਾ ਹੈ।";
    story: "What happened", "क्या हुआ", "ਕੀ ਹੋਇਆ";
    evidence: "Evidence", "साक्ष्य", "ਸਬੂਤ";
    begun: "A payment of {} was begun.", "{} का भुगतान आरंभ हुआ।", "{} ਦਾ ਭੁਗਤਾਨ ਸ਼ੁਰੂ ਹੋਇਆ।";
    confirmed: "The gateway has confirmed that {} was paid.", "गेटवे ने पुष्टि की कि {} का भुगतान हुआ।", "ਗੇਟਵੇ ਨੇ ਪੁਸ਼ਟੀ ਕੀਤੀ ਕਿ {} ਦਾ ਭੁਗਤਾਨ ਹੋਇਆ।";
    not_paid: "The payment failed.", "भुगतान विफल हुआ।", "ਭੁਗਤਾਨ ਅਸਫਲ ਹੋਇਆ।";
    still_undecided: "The payment is still undecided.", "भुगतान पर अभी निर्णय नहीं हुआ।", "ਭੁਗਤਾਨ ਤੇ ਹਾਲੇ ਫੈਸਲਾ ਨਹੀਂ ਹੋਇਆ।";
    noted_of_paid: "Noted of the paid payment.", "हो चुके भुगतान पर टिप्पणी।", "ਹੋ ਚੁੱਕੇ ਭੁਗਤਾਨ ਤੇ ਟਿੱਪਣੀ।";
    noted_of_failed: "Noted of the failed payment.", "विफल भुगतान पर टिप्पणी।", "ਅਸਫਲ ਭੁਗਤਾਨ ਤੇ ਟਿੱਪਣੀ।";
    receipt_issued: "The receipt {} was issued.", "रसीद {} जारी हुई।", "ਰਸੀਦ {} ਜਾਰੀ ਹੋਈ।";
    receipt_of_refund: "The receipt {} was dealt with, because money was given back.", "पैसा वापस होने के कारण रसीद {} पर कार्रवाई हुई।", "ਪੈਸਾ ਵਾਪਸ ਹੋਣ ਕਰਕੇ ਰਸੀਦ {} ਤੇ ਕਾਰਵਾਈ ਹੋਈ।";
    receipt_attempts: "{} attempts have failed, the last one: {}", "{} प्रयास विफल हुए, अंतिम: {}", "{} ਕੋਸ਼ਿਸ਼ਾਂ ਅਸਫਲ ਹੋਈਆਂ, ਆਖਰੀ: {}";
    next_cancellation: "The receipt is cancelled by itself; the next attempt is at {}.", "रसीद अपने आप रद्द होती है; अगला प्रयास {} को है।", "ਰਸੀਦ ਆਪਣੇ ਆਪ ਰੱਦ ਹੁੰਦੀ ਹੈ; ਅਗਲੀ ਕੋਸ਼ਿਸ਼ {} ਨੂੰ ਹੈ।";
    case_decided: "An operator has decided case {}.", "संचालक ने मामला {} पर निर्णय लिया।", "ਸੰਚਾਲਕ ਨੇ ਮਾਮਲਾ {} ਤੇ ਫੈਸਲਾ ਲਿਆ।";
    refund_told: "Refund {} of {}: {}.", "धनवापसी {} ({}): {}।", "ਰਿਫੰਡ {} ({}): {}।";
    by_user: "by user {}", "उपयोगकर्ता {}", "ਵਰਤੋਂਕਾਰ {}";
    by_gateway: "by gateway {}", "गेटवे {}", "ਗੇਟਵੇ {}";
    by_job: "by job {}", "कार्य {}", "ਕੰਮ {}";
    other_attempts: "Other payments of the same bills", "इन्हीं बिलों के अन्य भुगतान", "ਇਨ੍ਹਾਂ ਬਿੱਲਾਂ ਦੇ ਹੋਰ ਭੁਗਤਾਨ";
    no_other_attempts: "There is no other.", "कोई अन्य नहीं है।", "ਕੋਈ ਹੋਰ ਨਹੀਂ ਹੈ।";
    event_published: "published {}", "{} को प्रकाशित", "{} ਨੂੰ ਪ੍ਰਕਾਸ਼ਿਤ";
    event_waits: "waits to be published", "प्रकाशन की प्रतीक्षा में", "ਪ੍ਰਕਾਸ਼ਨ ਦੀ ਉਡੀਕ ਵਿੱਚ";
    event_dead: "given up: refused by the brokers", "छोड़ दिया गया: ब्रोकर ने अस्वीकार किया", "ਛੱਡ ਦਿੱਤਾ: ਬ੍ਰੋਕਰ ਨੇ ਇਨਕਾਰ ਕੀਤਾ";

    // Refunds.
    refund: "Refund", "धनवापसी", "ਰਿਫੰਡ";
    refund_title: "Refund {}", "धनवापसी {}", "ਰਿਫੰਡ {}";
    refund_request_title: "Request a refund of {}", "{} की धनवापसी का अनुरोध", "{} ਦੇ ਰਿਫੰਡ ਦੀ ਬੇਨਤੀ";
    refund_note: "Nothing is given back by this request: another person approves it first. The gateway is asked how much can be given back.", "इस अनुरोध से कुछ वापस नहीं होता: पहले दूसरा व्यक्ति अनुमोदन करता है। गेटवे से पूछा जाता है कि कितना वापस हो सकता है।", "ਇਸ ਬੇਨਤੀ ਨਾਲ ਕੁਝ ਵਾਪਸ ਨਹੀਂ ਹੁੰਦਾ: ਪਹਿਲਾਂ ਦੂਜਾ ਵਿਅਕਤੀ ਮਨਜ਼ੂਰੀ ਦਿੰਦਾ ਹੈ। ਗੇਟਵੇ ਤੋਂ ਪੁੱਛਿਆ ਜਾਂਦਾ ਹੈ ਕਿ ਕਿੰਨਾ ਵਾਪਸ ਹੋ ਸਕਦਾ ਹੈ।";
    refund_amount: "Amount to give back", "वापस की जाने वाली राशि", "ਵਾਪਸ ਕਰਨ ਵਾਲੀ ਰਕਮ";
    refund_amount_hint: "Up to what is left of the payment.", "भुगतान में जो शेष है, उस तक।", "ਭੁਗਤਾਨ ਵਿੱਚ ਜੋ ਬਾਕੀ ਹੈ, ਉਸ ਤੱਕ।";
    paid_amount: "Amount paid", "भुगतान की राशि", "ਭੁਗਤਾਨ ਦੀ ਰਕਮ";
    left: "Left to give back", "वापसी के लिए शेष", "ਵਾਪਸੀ ਲਈ ਬਾਕੀ";
    reason: "Reason", "कारण", "ਕਾਰਨ";
    reason_code: "Kind of reason", "कारण का प्रकार", "ਕਾਰਨ ਦੀ ਕਿਸਮ";
    reason_paid_twice: "Paid twice", "दो बार भुगतान", "ਦੋ ਵਾਰ ਭੁਗਤਾਨ";
    reason_wrong_amount: "Wrong amount", "गलत राशि", "ਗਲਤ ਰਕਮ";
    reason_wrong_bill: "Wrong bill", "गलत बिल", "ਗਲਤ ਬਿੱਲ";
    reason_service: "Service not given", "सेवा नहीं दी गई", "ਸੇਵਾ ਨਹੀਂ ਦਿੱਤੀ ਗਈ";
    reason_other: "Other", "अन्य", "ਹੋਰ";
    refund_requested: "Requested", "अनुरोध किया गया", "ਬੇਨਤੀ ਕੀਤੀ ਗਈ";
    refund_approved: "Approved", "अनुमोदित", "ਮਨਜ਼ੂਰ";
    refund_sent: "Sent, not certain yet", "भेजा गया, अभी निश्चित नहीं", "ਭੇਜਿਆ ਗਿਆ, ਹਾਲੇ ਪੱਕਾ ਨਹੀਂ";
    refund_succeeded: "Given back", "वापस किया गया", "ਵਾਪਸ ਕੀਤਾ ਗਿਆ";
    refund_failed: "Not given back", "वापस नहीं किया गया", "ਵਾਪਸ ਨਹੀਂ ਕੀਤਾ ਗਿਆ";
    refund_rejected: "Rejected", "अस्वीकृत", "ਰੱਦ ਕੀਤਾ ਗਿਆ";
    refund_withdrawn: "Withdrawn", "वापस लिया गया", "ਵਾਪਸ ਲਿਆ ਗਿਆ";
    refund_expired: "Expired", "समय सीमा समाप्त", "ਮਿਆਦ ਖਤਮ";
    refund_next_requested: "Another person than the maker approves or rejects it.", "अनुरोधकर्ता से भिन्न व्यक्ति अनुमोदन या अस्वीकार करता है।", "ਬੇਨਤੀਕਰਤਾ ਤੋਂ ਵੱਖਰਾ ਵਿਅਕਤੀ ਮਨਜ਼ੂਰ ਜਾਂ ਰੱਦ ਕਰਦਾ ਹੈ।";
    refund_next_approved: "The gateway is asked once more, then told to give the money back.", "गेटवे से एक बार और पूछा जाता है, फिर पैसा वापस करने को कहा जाता है।", "ਗੇਟਵੇ ਤੋਂ ਇੱਕ ਵਾਰ ਹੋਰ ਪੁੱਛਿਆ ਜਾਂਦਾ ਹੈ, ਫਿਰ ਪੈਸਾ ਵਾਪਸ ਕਰਨ ਨੂੰ ਕਿਹਾ ਜਾਂਦਾ ਹੈ।";
    refund_next_sent: "The gateway is asked by itself until it is certain.", "निश्चित होने तक गेटवे से अपने आप पूछा जाता है।", "ਪੱਕਾ ਹੋਣ ਤੱਕ ਗੇਟਵੇ ਤੋਂ ਆਪਣੇ ਆਪ ਪੁੱਛਿਆ ਜਾਂਦਾ ਹੈ।";
    refund_next_succeeded: "Nothing: the money was given back.", "कुछ नहीं: पैसा वापस किया गया।", "ਕੁਝ ਨਹੀਂ: ਪੈਸਾ ਵਾਪਸ ਕੀਤਾ ਗਿਆ।";
    refund_next_over: "Nothing: no money leaves by this refund.", "कुछ नहीं: इस धनवापसी से कोई पैसा नहीं जाता।", "ਕੁਝ ਨਹੀਂ: ਇਸ ਰਿਫੰਡ ਨਾਲ ਕੋਈ ਪੈਸਾ ਨਹੀਂ ਜਾਂਦਾ।";
    requested: "Requested at", "अनुरोध का समय", "ਬੇਨਤੀ ਦਾ ਸਮਾਂ";
    maker: "Maker", "अनुरोधकर्ता", "ਬੇਨਤੀਕਰਤਾ";
    checker: "Checker", "जाँचकर्ता", "ਜਾਂਚਕਰਤਾ";
    waiver: "Without a checker", "जाँचकर्ता के बिना", "ਜਾਂਚਕਰਤਾ ਤੋਂ ਬਿਨਾਂ";
    views: "Views", "दृश्य", "ਦ੍ਰਿਸ਼";
    view_all: "All refunds", "सभी धनवापसी", "ਸਾਰੇ ਰਿਫੰਡ";
    view_decide: "Mine to decide", "मेरे निर्णय के लिए", "ਮੇਰੇ ਫੈਸਲੇ ਲਈ";
    view_under_way: "Under way", "प्रगति में", "ਜਾਰੀ";
    view_mine: "Requested by me", "मेरे अनुरोध", "ਮੇਰੀਆਂ ਬੇਨਤੀਆਂ";
    approve: "Approve", "अनुमोदन करें", "ਮਨਜ਼ੂਰ ਕਰੋ";
    approve_title: "Approve refund {}", "धनवापसी {} का अनुमोदन", "ਰਿਫੰਡ {} ਦੀ ਮਨਜ਼ੂਰੀ";
    approve_warning: "{} leave through the gateway for payment {}. This cannot be undone.", "{} गेटवे से भुगतान {} के लिए जाते हैं। इसे पूर्ववत नहीं किया जा सकता।", "{} ਗੇਟਵੇ ਰਾਹੀਂ ਭੁਗਤਾਨ {} ਲਈ ਜਾਂਦੇ ਹਨ। ਇਹ ਵਾਪਸ ਨਹੀਂ ਹੋ ਸਕਦਾ।";
    approve_now: "Approve and send", "अनुमोदन कर भेजें", "ਮਨਜ਼ੂਰ ਕਰਕੇ ਭੇਜੋ";
    comment: "Comment", "टिप्पणी", "ਟਿੱਪਣੀ";
    back: "Back", "वापस", "ਵਾਪਸ";
    reject: "Reject", "अस्वीकार करें", "ਰੱਦ ਕਰੋ";
    reject_reason: "Reason for the rejection", "अस्वीकृति का कारण", "ਰੱਦ ਕਰਨ ਦਾ ਕਾਰਨ";
    withdraw: "Withdraw the request", "अनुरोध वापस लें", "ਬੇਨਤੀ ਵਾਪਸ ਲਓ";
    decided_before: "The refund was decided before.", "धनवापसी पर पहले ही निर्णय हो चुका है।", "ਰਿਫੰਡ ਤੇ ਪਹਿਲਾਂ ਹੀ ਫੈਸਲਾ ਹੋ ਚੁੱਕਾ ਹੈ।";
    said_requested: "The refund is requested. It waits for a checker.", "धनवापसी का अनुरोध हुआ। वह जाँचकर्ता की प्रतीक्षा में है।", "ਰਿਫੰਡ ਦੀ ਬੇਨਤੀ ਹੋਈ। ਉਹ ਜਾਂਚਕਰਤਾ ਦੀ ਉਡੀਕ ਵਿੱਚ ਹੈ।";
    said_approved: "Your approval is recorded.", "आपका अनुमोदन दर्ज हुआ।", "ਤੁਹਾਡੀ ਮਨਜ਼ੂਰੀ ਦਰਜ ਹੋਈ।";
    said_rejected: "The refund is rejected.", "धनवापसी अस्वीकृत हुई।", "ਰਿਫੰਡ ਰੱਦ ਹੋਇਆ।";
    said_withdrawn: "The request is withdrawn.", "अनुरोध वापस लिया गया।", "ਬੇਨਤੀ ਵਾਪਸ ਲਈ ਗਈ।";

    // Review cases.
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

    // Merchant accounts.
    account: "Account", "खाता", "ਖਾਤਾ";
    accounts_note: "A payment uses the account of its tenant and service, else that of the tenant, else that of the tenants above, else the configuration file's.", "भुगतान अपने निकाय और सेवा के खाते का उपयोग करता है, नहीं तो निकाय का, नहीं तो ऊपर के निकायों का, नहीं तो विन्यास फ़ाइल का।", "ਭੁਗਤਾਨ ਆਪਣੇ ਨਿਕਾਇ ਅਤੇ ਸੇਵਾ ਦਾ ਖਾਤਾ ਵਰਤਦਾ ਹੈ, ਨਹੀਂ ਤਾਂ ਨਿਕਾਇ ਦਾ, ਨਹੀਂ ਤਾਂ ਉੱਪਰਲੇ ਨਿਕਾਇਆਂ ਦਾ, ਨਹੀਂ ਤਾਂ ਸੰਰਚਨਾ ਫਾਈਲ ਦਾ।";
    no_accounts: "There are no accounts of these tenants in the database: the configuration file's are used.", "डेटाबेस में इन निकायों के खाते नहीं हैं: विन्यास फ़ाइल के उपयोग होते हैं।", "ਡਾਟਾਬੇਸ ਵਿੱਚ ਇਨ੍ਹਾਂ ਨਿਕਾਇਆਂ ਦੇ ਖਾਤੇ ਨਹੀਂ ਹਨ: ਸੰਰਚਨਾ ਫਾਈਲ ਦੇ ਵਰਤੇ ਜਾਂਦੇ ਹਨ।";
    credentials: "Credentials", "प्रत्यय", "ਪ੍ਰਮਾਣ";
    account_new: "Add an account", "खाता जोड़ें", "ਖਾਤਾ ਜੋੜੋ";
    account_new_note: "The account takes payments when its credentials are entered, verified and activated.", "प्रत्यय भरने, सत्यापित और सक्रिय होने पर खाता भुगतान लेता है।", "ਪ੍ਰਮਾਣ ਭਰਨ, ਪੁਸ਼ਟੀ ਅਤੇ ਚਾਲੂ ਹੋਣ ਤੇ ਖਾਤਾ ਭੁਗਤਾਨ ਲੈਂਦਾ ਹੈ।";
    account_title: "Account {}", "खाता {}", "ਖਾਤਾ {}";
    account_label: "Name for people", "लोगों के लिए नाम", "ਲੋਕਾਂ ਲਈ ਨਾਮ";
    account_service_hint: "Empty for every service of the tenant.", "निकाय की हर सेवा के लिए खाली छोड़ें।", "ਨਿਕਾਇ ਦੀ ਹਰ ਸੇਵਾ ਲਈ ਖਾਲੀ ਛੱਡੋ।";
    account_wrong: "Write a tenant, as pb.amritsar, and a priority as a number.", "निकाय pb.amritsar जैसा, और प्राथमिकता संख्या में लिखें।", "ਨਿਕਾਇ pb.amritsar ਵਾਂਗ, ਅਤੇ ਤਰਜੀਹ ਨੰਬਰ ਵਿੱਚ ਲਿਖੋ।";
    account_no_fields: "The gateway has no stored accounts.", "इस गेटवे के खाते सहेजे नहीं जाते।", "ਇਸ ਗੇਟਵੇ ਦੇ ਖਾਤੇ ਸੰਭਾਲੇ ਨਹੀਂ ਜਾਂਦੇ।";
    account_none_verified: "No credentials are verified.", "कोई प्रत्यय सत्यापित नहीं है।", "ਕੋਈ ਪ੍ਰਮਾਣ ਪੁਸ਼ਟ ਨਹੀਂ ਹੈ।";
    account_which: "Choose a tenant, and a service, to see which account takes a payment, and why.", "कौन सा खाता भुगतान लेता है और क्यों, यह देखने के लिए निकाय और सेवा चुनें।", "ਕਿਹੜਾ ਖਾਤਾ ਭੁਗਤਾਨ ਲੈਂਦਾ ਹੈ ਅਤੇ ਕਿਉਂ, ਇਹ ਵੇਖਣ ਲਈ ਨਿਕਾਇ ਅਤੇ ਸੇਵਾ ਚੁਣੋ।";
    account_answers: "New payments of this tenant and service", "इस निकाय और सेवा के नए भुगतान", "ਇਸ ਨਿਕਾਇ ਅਤੇ ਸੇਵਾ ਦੇ ਨਵੇਂ ਭੁਗਤਾਨ";
    account_configured: "The configuration file's account", "विन्यास फ़ाइल का खाता", "ਸੰਰਚਨਾ ਫਾਈਲ ਦਾ ਖਾਤਾ";
    account_why_configured: "No stored account takes them: the configuration file's does.", "कोई सहेजा खाता नहीं लेता: विन्यास फ़ाइल का लेता है।", "ਕੋਈ ਸੰਭਾਲਿਆ ਖਾਤਾ ਨਹੀਂ ਲੈਂਦਾ: ਸੰਰਚਨਾ ਫਾਈਲ ਦਾ ਲੈਂਦਾ ਹੈ।";
    account_nobody: "None: the gateway is not offered here", "कोई नहीं: यहाँ गेटवे उपलब्ध नहीं है", "ਕੋਈ ਨਹੀਂ: ਇੱਥੇ ਗੇਟਵੇ ਉਪਲਬਧ ਨਹੀਂ ਹੈ";
    account_of: "An account of {}", "{} का खाता", "{} ਦਾ ਖਾਤਾ";
    account_takes: "takes them, with version {} of its credentials", "लेता है, प्रत्यय संस्करण {} के साथ", "ਲੈਂਦਾ ਹੈ, ਪ੍ਰਮਾਣ ਸੰਸਕਰਣ {} ਨਾਲ";
    account_unusable: "cannot be used, they are refused: {}", "उपयोग नहीं हो सकता, भुगतान अस्वीकार होते हैं: {}", "ਵਰਤਿਆ ਨਹੀਂ ਜਾ ਸਕਦਾ, ਭੁਗਤਾਨ ਰੱਦ ਹੁੰਦੇ ਹਨ: {}";
    account_not_active: "has no active credentials", "कोई सक्रिय प्रत्यय नहीं", "ਕੋਈ ਚਾਲੂ ਪ੍ਰਮਾਣ ਨਹੀਂ";
    account_retired: "is retired", "सेवानिवृत्त है", "ਸੇਵਾਮੁਕਤ ਹੈ";
    account_behind: "is behind another account", "दूसरे खाते के पीछे है", "ਦੂਜੇ ਖਾਤੇ ਤੋਂ ਪਿੱਛੇ ਹੈ";
    account_next_enter: "Enter its credentials.", "इसके प्रत्यय भरें।", "ਇਸਦੇ ਪ੍ਰਮਾਣ ਭਰੋ।";
    account_next_verify: "Verify version {}: the gateway is asked with it, no money moves.", "संस्करण {} सत्यापित करें: गेटवे से पूछा जाता है, पैसा नहीं जाता।", "ਸੰਸਕਰਣ {} ਦੀ ਪੁਸ਼ਟੀ ਕਰੋ: ਗੇਟਵੇ ਤੋਂ ਪੁੱਛਿਆ ਜਾਂਦਾ ਹੈ, ਪੈਸਾ ਨਹੀਂ ਜਾਂਦਾ।";
    account_next_activate: "Activate version {}: new payments are made with it.", "संस्करण {} सक्रिय करें: नए भुगतान उससे होते हैं।", "ਸੰਸਕਰਣ {} ਚਾਲੂ ਕਰੋ: ਨਵੇਂ ਭੁਗਤਾਨ ਉਸ ਨਾਲ ਹੁੰਦੇ ਹਨ।";
    account_next_active: "Nothing: payments are made with version {}. To rotate, enter the next version.", "कुछ नहीं: भुगतान संस्करण {} से होते हैं। बदलने के लिए अगला संस्करण भरें।", "ਕੁਝ ਨਹੀਂ: ਭੁਗਤਾਨ ਸੰਸਕਰਣ {} ਨਾਲ ਹੁੰਦੇ ਹਨ। ਬਦਲਣ ਲਈ ਅਗਲਾ ਸੰਸਕਰਣ ਭਰੋ।";
    account_next_retired: "Nothing: it takes no new payments, and is asked about those it has.", "कुछ नहीं: यह नए भुगतान नहीं लेता, और पुराने भुगतानों के बारे में पूछा जाता है।", "ਕੁਝ ਨਹੀਂ: ਇਹ ਨਵੇਂ ਭੁਗਤਾਨ ਨਹੀਂ ਲੈਂਦਾ, ਅਤੇ ਪੁਰਾਣੇ ਭੁਗਤਾਨਾਂ ਬਾਰੇ ਪੁੱਛਿਆ ਜਾਂਦਾ ਹੈ।";
    priority: "Priority", "प्राथमिकता", "ਤਰਜੀਹ";
    priority_hint: "Of several active accounts of a gateway, tenant and service the one with the lowest number is used.", "एक गेटवे, निकाय और सेवा के कई सक्रिय खातों में सबसे छोटी संख्या वाला उपयोग होता है।", "ਇੱਕ ਗੇਟਵੇ, ਨਿਕਾਇ ਅਤੇ ਸੇਵਾ ਦੇ ਕਈ ਚਾਲੂ ਖਾਤਿਆਂ ਵਿੱਚੋਂ ਸਭ ਤੋਂ ਛੋਟੇ ਨੰਬਰ ਵਾਲਾ ਵਰਤਿਆ ਜਾਂਦਾ ਹੈ।";
    bank_account: "Bank account that the gateway settles to", "बैंक खाता जिसमें गेटवे निपटान करता है", "ਬੈਂਕ ਖਾਤਾ ਜਿਸ ਵਿੱਚ ਗੇਟਵੇ ਨਿਪਟਾਰਾ ਕਰਦਾ ਹੈ";
    changed_last: "Last changed", "अंतिम परिवर्तन", "ਆਖਰੀ ਤਬਦੀਲੀ";
    version: "Version", "संस्करण", "ਸੰਸਕਰਣ";
    version_active: "Active version", "सक्रिय संस्करण", "ਚਾਲੂ ਸੰਸਕਰਣ";
    version_waiting: "Waiting version", "प्रतीक्षारत संस्करण", "ਉਡੀਕ ਵਾਲਾ ਸੰਸਕਰਣ";
    verified_last: "Last verified", "अंतिम सत्यापन", "ਆਖਰੀ ਪੁਸ਼ਟੀ";
    steps: "Steps", "चरण", "ਪੜਾਅ";
    step_enter: "Enter credentials", "प्रत्यय भरें", "ਪ੍ਰਮਾਣ ਭਰੋ";
    step_verify: "Verify", "सत्यापित करें", "ਪੁਸ਼ਟੀ ਕਰੋ";
    step_activate: "Activate", "सक्रिय करें", "ਚਾਲੂ ਕਰੋ";
    step_done: "Done", "हो गया", "ਹੋ ਗਿਆ";
    step_open: "To do", "करना है", "ਕਰਨਾ ਹੈ";
    step_created: "Not entered", "भरा नहीं गया", "ਭਰਿਆ ਨਹੀਂ ਗਿਆ";
    step_entered: "Entered", "भरा गया", "ਭਰਿਆ ਗਿਆ";
    step_verified: "Verified", "सत्यापित", "ਪੁਸ਼ਟ";
    step_active: "Active", "सक्रिय", "ਚਾਲੂ";
    step_activated: "Activated", "सक्रिय किया गया", "ਚਾਲੂ ਕੀਤਾ ਗਿਆ";
    step_retired: "Retired", "सेवानिवृत्त", "ਸੇਵਾਮੁਕਤ";
    step_wiped: "Wiped", "मिटाया गया", "ਮਿਟਾਇਆ ਗਿਆ";
    retire: "Retire the account", "खाता सेवानिवृत्त करें", "ਖਾਤਾ ਸੇਵਾਮੁਕਤ ਕਰੋ";
    retire_warning: "{} takes no new payments of {}, service {}, from now on. Payments that it has are asked about as before.", "{} अब से {}, सेवा {}, के नए भुगतान नहीं लेता। पुराने भुगतानों के बारे में पहले जैसा पूछा जाता है।", "{} ਹੁਣ ਤੋਂ {}, ਸੇਵਾ {}, ਦੇ ਨਵੇਂ ਭੁਗਤਾਨ ਨਹੀਂ ਲੈਂਦਾ। ਪੁਰਾਣੇ ਭੁਗਤਾਨਾਂ ਬਾਰੇ ਪਹਿਲਾਂ ਵਾਂਗ ਪੁੱਛਿਆ ਜਾਂਦਾ ਹੈ।";
    wipe: "Wipe the version", "संस्करण मिटाएँ", "ਸੰਸਕਰਣ ਮਿਟਾਓ";
    wipe_warning: "The fields of version {} are gone for ever. No payment was made with it.", "संस्करण {} के मान सदा के लिए मिट जाते हैं। उससे कोई भुगतान नहीं हुआ।", "ਸੰਸਕਰਣ {} ਦੇ ਮੁੱਲ ਸਦਾ ਲਈ ਮਿਟ ਜਾਂਦੇ ਹਨ। ਉਸ ਨਾਲ ਕੋਈ ਭੁਗਤਾਨ ਨਹੀਂ ਹੋਇਆ।";
    wipe_retired_warning: "The fields of version {} are gone for ever: callbacks that were signed with it are not believed any more. Do this only when others have come to know it.", "संस्करण {} के मान सदा के लिए मिट जाते हैं: उससे हस्ताक्षरित कॉलबैक अब मान्य नहीं होंगे। केवल तब करें जब वह दूसरों को पता चल गया हो।", "ਸੰਸਕਰਣ {} ਦੇ ਮੁੱਲ ਸਦਾ ਲਈ ਮਿਟ ਜਾਂਦੇ ਹਨ: ਉਸ ਨਾਲ ਦਸਤਖਤ ਕੀਤੇ ਕਾਲਬੈਕ ਹੁਣ ਮੰਨੇ ਨਹੀਂ ਜਾਣਗੇ। ਕੇਵਲ ਉਦੋਂ ਕਰੋ ਜਦੋਂ ਉਹ ਦੂਜਿਆਂ ਨੂੰ ਪਤਾ ਲੱਗ ਗਿਆ ਹੋਵੇ।";
    activate_warning: "New payments of {}, service {}, go to the merchant of {} from now on.", "अब से {}, सेवा {}, के नए भुगतान {} के व्यापारी को जाते हैं।", "ਹੁਣ ਤੋਂ {}, ਸੇਵਾ {}, ਦੇ ਨਵੇਂ ਭੁਗਤਾਨ {} ਦੇ ਵਪਾਰੀ ਨੂੰ ਜਾਂਦੇ ਹਨ।";
    rotation: "Rotation", "बदलाव", "ਤਬਦੀਲੀ";
    rotation_window: "Version {} is retired, and verifies callbacks until {}.", "संस्करण {} सेवानिवृत्त होता है और {} तक कॉलबैक सत्यापित करता है।", "ਸੰਸਕਰਣ {} ਸੇਵਾਮੁਕਤ ਹੁੰਦਾ ਹੈ ਅਤੇ {} ਤੱਕ ਕਾਲਬੈਕ ਦੀ ਪੁਸ਼ਟੀ ਕਰਦਾ ਹੈ।";
    second_person: "Second person", "दूसरा व्यक्ति", "ਦੂਜਾ ਵਿਅਕਤੀ";
    second_person_needed: "Another person activates than the one who entered them, each by a login of their own.", "भरने वाले से भिन्न व्यक्ति सक्रिय करता है, हर एक अपने लॉग इन से।", "ਭਰਨ ਵਾਲੇ ਤੋਂ ਵੱਖਰਾ ਵਿਅਕਤੀ ਚਾਲੂ ਕਰਦਾ ਹੈ, ਹਰ ਇੱਕ ਆਪਣੇ ਲਾਗ ਇਨ ਨਾਲ।";
    verifies_until: "Verifies callbacks until {}", "{} तक कॉलबैक सत्यापित करता है", "{} ਤੱਕ ਕਾਲਬੈਕ ਦੀ ਪੁਸ਼ਟੀ ਕਰਦਾ ਹੈ";
    verify_payment: "Number of a payment of this account", "इस खाते के किसी भुगतान की संख्या", "ਇਸ ਖਾਤੇ ਦੇ ਕਿਸੇ ਭੁਗਤਾਨ ਦਾ ਨੰਬਰ";
    verify_hint: "Empty: the gateway is asked about a payment that it cannot know.", "खाली: गेटवे से ऐसे भुगतान के बारे में पूछा जाता है जिसे वह नहीं जान सकता।", "ਖਾਲੀ: ਗੇਟਵੇ ਤੋਂ ਅਜਿਹੇ ਭੁਗਤਾਨ ਬਾਰੇ ਪੁੱਛਿਆ ਜਾਂਦਾ ਹੈ ਜੋ ਉਹ ਨਹੀਂ ਜਾਣ ਸਕਦਾ।";
    enter_title: "Enter the credentials of {}", "{} के प्रत्यय भरें", "{} ਦੇ ਪ੍ਰਮਾਣ ਭਰੋ";
    enter_note: "Secrets are encrypted and never shown again but for the last four characters of long ones. Fields that may stay empty are left out.", "गुप्त मान कूटबद्ध होते हैं और लंबे मानों के अंतिम चार अक्षरों के सिवा फिर नहीं दिखाए जाते। जो मान आवश्यक नहीं हैं वे खाली छोड़े जा सकते हैं।", "ਗੁਪਤ ਮੁੱਲ ਕੂਟਬੱਧ ਹੁੰਦੇ ਹਨ ਅਤੇ ਲੰਮੇ ਮੁੱਲਾਂ ਦੇ ਆਖਰੀ ਚਾਰ ਅੱਖਰਾਂ ਤੋਂ ਬਿਨਾਂ ਦੁਬਾਰਾ ਨਹੀਂ ਦਿਖਾਏ ਜਾਂਦੇ। ਜੋ ਮੁੱਲ ਲੋੜੀਂਦੇ ਨਹੀਂ ਉਹ ਖਾਲੀ ਛੱਡੇ ਜਾ ਸਕਦੇ ਹਨ।";
    enter_replaces: "Version {} is entered already, and is replaced.", "संस्करण {} पहले से भरा है, और बदल दिया जाएगा।", "ਸੰਸਕਰਣ {} ਪਹਿਲਾਂ ਹੀ ਭਰਿਆ ਹੈ, ਅਤੇ ਬਦਲ ਦਿੱਤਾ ਜਾਵੇਗਾ।";
    entry_problems: "The entries cannot be accepted", "प्रविष्टियाँ स्वीकार नहीं हो सकतीं", "ਐਂਟਰੀਆਂ ਸਵੀਕਾਰ ਨਹੀਂ ਹੋ ਸਕਦੀਆਂ";
    secret: "secret", "गुप्त", "ਗੁਪਤ";
    said_account_added: "The account is added.", "खाता जोड़ा गया।", "ਖਾਤਾ ਜੋੜਿਆ ਗਿਆ।";
    said_entered: "The credentials are entered.", "प्रत्यय भरे गए।", "ਪ੍ਰਮਾਣ ਭਰੇ ਗਏ।";
    said_verified: "The gateway accepts the credentials.", "गेटवे प्रत्यय स्वीकार करता है।", "ਗੇਟਵੇ ਪ੍ਰਮਾਣ ਸਵੀਕਾਰ ਕਰਦਾ ਹੈ।";
    said_activated: "The credentials are active: new payments are made with them.", "प्रत्यय सक्रिय हैं: नए भुगतान इनसे होते हैं।", "ਪ੍ਰਮਾਣ ਚਾਲੂ ਹਨ: ਨਵੇਂ ਭੁਗਤਾਨ ਇਨ੍ਹਾਂ ਨਾਲ ਹੁੰਦੇ ਹਨ।";
    said_retired: "The account is retired.", "खाता सेवानिवृत्त हुआ।", "ਖਾਤਾ ਸੇਵਾਮੁਕਤ ਹੋਇਆ।";
    said_wiped: "The version is wiped.", "संस्करण मिटाया गया।", "ਸੰਸਕਰਣ ਮਿਟਾਇਆ ਗਿਆ।";

    // Events.
    events_waiting: "events wait to be published", "घटनाएँ प्रकाशन की प्रतीक्षा में हैं", "ਘਟਨਾਵਾਂ ਪ੍ਰਕਾਸ਼ਨ ਦੀ ਉਡੀਕ ਵਿੱਚ ਹਨ";
    events_dead: "events were given up", "घटनाएँ छोड़ दी गईं", "ਘਟਨਾਵਾਂ ਛੱਡ ਦਿੱਤੀਆਂ ਗਈਆਂ";
    events_oldest: "The oldest that waits was stored at {}.", "सबसे पुरानी प्रतीक्षारत {} को सहेजी गई।", "ਸਭ ਤੋਂ ਪੁਰਾਣੀ ਉਡੀਕ ਵਾਲੀ {} ਨੂੰ ਸੰਭਾਲੀ ਗਈ।";
    number: "Number", "संख्या", "ਨੰਬਰ";
    stored: "Stored", "सहेजा गया", "ਸੰਭਾਲਿਆ ਗਿਆ";
    topic: "Stream", "धारा", "ਧਾਰਾ";
    why_waiting: "Why it waits", "क्यों प्रतीक्षा में", "ਕਿਉਂ ਉਡੀਕ ਵਿੱਚ";
    publish: "Publish again", "फिर प्रकाशित करें", "ਫਿਰ ਪ੍ਰਕਾਸ਼ਿਤ ਕਰੋ";

    // Jobs.
    job: "Job", "कार्य", "ਕੰਮ";
    job_title: "Job {}", "कार्य {}", "ਕੰਮ {}";
    schedule: "Schedule", "समय सारणी", "ਸਮਾਂ ਸਾਰਣੀ";
    next_run: "Next run", "अगला चालन", "ਅਗਲਾ ਚੱਲਣਾ";
    last_run: "Last run", "पिछला चालन", "ਪਿਛਲਾ ਚੱਲਣਾ";
    runs: "Latest runs", "नवीनतम चालन", "ਤਾਜ਼ਾ ਚੱਲਣ";
    run: "Run", "चालन", "ਚੱਲਣ";
    run_now: "Run now", "अभी चलाएँ", "ਹੁਣੇ ਚਲਾਓ";
    run_running: "Running", "चल रहा है", "ਚੱਲ ਰਿਹਾ ਹੈ";
    run_finished: "Finished", "पूरा हुआ", "ਪੂਰਾ ਹੋਇਆ";
    run_cancelled: "Cancelled", "रद्द", "ਰੱਦ";
    run_failed: "Failed", "विफल", "ਅਸਫਲ";
    run_taken_over: "Taken over", "दूसरे ने संभाला", "ਦੂਜੇ ਨੇ ਸੰਭਾਲਿਆ";
    job_progress: "Run {}: {} examined, {} changed, {} s.", "चालन {}: {} जाँचे गए, {} बदले गए, {} से.", "ਚੱਲਣ {}: {} ਜਾਂਚੇ ਗਏ, {} ਬਦਲੇ ਗਏ, {} ਸ.";
    job_running: "A run is at work. The page loads itself again.", "चालन जारी है। पृष्ठ अपने आप फिर लोड होता है।", "ਕੰਮ ਚੱਲ ਰਿਹਾ ਹੈ। ਪੰਨਾ ਆਪਣੇ ਆਪ ਦੁਬਾਰਾ ਲੋਡ ਹੁੰਦਾ ਹੈ।";
    gateway_available: "{}: available", "{}: उपलब्ध", "{}: ਉਪਲਬਧ";
    gateway_unavailable: "{}: unavailable, asked again in {} s", "{}: उपलब्ध नहीं, {} से. में फिर पूछा जाएगा", "{}: ਉਪਲਬਧ ਨਹੀਂ, {} ਸ. ਵਿੱਚ ਫਿਰ ਪੁੱਛਿਆ ਜਾਵੇਗਾ";
    job_busy: "The job is at work.", "कार्य चल रहा है।", "ਕੰਮ ਚੱਲ ਰਿਹਾ ਹੈ।";
    refresh: "Load again", "फिर लोड करें", "ਦੁਬਾਰਾ ਲੋਡ ਕਰੋ";
    ended: "Ended", "समाप्त", "ਸਮਾਪਤ";
    node: "Node", "नोड", "ਨੋਡ";
    examined: "Examined", "जाँचे गए", "ਜਾਂਚੇ ਗਏ";
    changed: "Changed", "बदले गए", "ਬਦਲੇ ਗਏ";
    still_pending: "Still pending", "अब भी लंबित", "ਹਾਲੇ ਬਕਾਇਆ";
    failed_count: "Not dealt with", "नहीं हो सके", "ਨਹੀਂ ਹੋ ਸਕੇ";

    // The audit log.
    action: "Action", "कार्रवाई", "ਕਾਰਵਾਈ";
    actor: "Actor", "कर्ता", "ਕਰਤਾ";
    object: "Object", "वस्तु", "ਵਸਤੂ";
    when: "When", "कब", "ਕਦੋਂ";
    whole_entry: "Whole entry", "पूरी प्रविष्टि", "ਪੂਰੀ ਐਂਟਰੀ";
    verify: "Verify the log", "लॉग सत्यापित करें", "ਲਾਗ ਦੀ ਪੁਸ਼ਟੀ ਕਰੋ";
    audit_verified: "Verification of the audit log", "लेखा परीक्षा लॉग का सत्यापन", "ਆਡਿਟ ਲਾਗ ਦੀ ਪੁਸ਼ਟੀ";
    audit_progress: "{} of {} entries are verified.", "सत्यापित प्रविष्टियाँ: {}, कुल {}।", "ਪੁਸ਼ਟ ਐਂਟਰੀਆਂ: {}, ਕੁੱਲ {}।";
    audit_whole_sentence: "{} entries are as they were written, verified {}.", "{} प्रविष्टियाँ वैसी ही हैं जैसी लिखी गई थीं, {} को सत्यापित।", "{} ਐਂਟਰੀਆਂ ਉਵੇਂ ਹੀ ਹਨ ਜਿਵੇਂ ਲਿਖੀਆਂ ਗਈਆਂ ਸਨ, {} ਨੂੰ ਪੁਸ਼ਟੀ ਹੋਈ।";
    audit_broken_sentence: "The verification of {} has failed: {}", "{} का सत्यापन विफल हुआ: {}", "{} ਦੀ ਪੁਸ਼ਟੀ ਅਸਫਲ ਹੋਈ: {}";
    audit_cut_off: "The verification was cut off behind {} entries, {}.", "सत्यापन {} प्रविष्टियों के बाद रुक गया, {}।", "ਪੁਸ਼ਟੀ {} ਐਂਟਰੀਆਂ ਤੋਂ ਬਾਅਦ ਰੁਕ ਗਈ, {}।";
    audit_checkpoint: "The last checkpoint signs {} entries, {}.", "अंतिम जाँच बिंदु {} प्रविष्टियों पर हस्ताक्षर करता है, {}।", "ਆਖਰੀ ਜਾਂਚ ਬਿੰਦੂ {} ਐਂਟਰੀਆਂ ਤੇ ਦਸਤਖਤ ਕਰਦਾ ਹੈ, {}।";
}
