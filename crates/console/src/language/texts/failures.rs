//! Pages in place of another, which say why and what to do.

texts! {
    Failures;
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
}
