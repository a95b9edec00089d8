//! Refusals of use cases: an act that is impossible, or based on what has changed meanwhile.

texts! {
    Refusals;
    // Roles.
    unnamed: "You are not named: log in as yourself.", "आपका नाम ज्ञात नहीं है: अपने नाम से लॉग इन करें।", "ਤੁਹਾਡਾ ਨਾਮ ਪਤਾ ਨਹੀਂ ਹੈ: ਆਪਣੇ ਨਾਮ ਨਾਲ ਲਾਗ ਇਨ ਕਰੋ।";
    role_at: "{}: one of these roles is needed at this tenant or above it: {}.", "{}: इस निकाय में या उससे ऊपर इनमें से एक भूमिका आवश्यक है: {}।", "{}: ਇਸ ਨਿਕਾਇ ਵਿੱਚ ਜਾਂ ਇਸ ਤੋਂ ਉੱਪਰ ਇਨ੍ਹਾਂ ਵਿੱਚੋਂ ਇੱਕ ਭੂਮਿਕਾ ਲੋੜੀਂਦੀ ਹੈ: {}।";
    role_anywhere: "One of these roles is needed: {}.", "इनमें से एक भूमिका आवश्यक है: {}।", "ਇਨ੍ਹਾਂ ਵਿੱਚੋਂ ਇੱਕ ਭੂਮਿਕਾ ਲੋੜੀਂਦੀ ਹੈ: {}।";
    role_at_state: "One of these roles is needed at a state, the topmost tenant: {}. This concerns the whole installation.", "राज्य, यानी सबसे ऊपर के निकाय में इनमें से एक भूमिका आवश्यक है: {}। यह पूरी स्थापना से संबंधित है।", "ਰਾਜ, ਯਾਨੀ ਸਭ ਤੋਂ ਉੱਪਰਲੇ ਨਿਕਾਇ ਵਿੱਚ ਇਨ੍ਹਾਂ ਵਿੱਚੋਂ ਇੱਕ ਭੂਮਿਕਾ ਲੋੜੀਂਦੀ ਹੈ: {}। ਇਹ ਪੂਰੀ ਸਥਾਪਨਾ ਨਾਲ ਸੰਬੰਧਿਤ ਹੈ।";
    admin_without_refunds: "{}: the holder of PG_ADMIN makes and checks no refunds.", "{}: PG_ADMIN धारक धनवापसी न बनाता है न जाँचता है।", "{}: PG_ADMIN ਧਾਰਕ ਰਿਫੰਡ ਨਾ ਬਣਾਉਂਦਾ ਹੈ ਨਾ ਜਾਂਚਦਾ ਹੈ।";

    // Several use cases.
    tenant_unreadable: "Write a tenant as pb.amritsar.", "निकाय को pb.amritsar जैसा लिखें।", "ਨਿਕਾਇ ਨੂੰ pb.amritsar ਵਾਂਗ ਲਿਖੋ।";
    payment_unreadable: "Write the number of a payment as its page shows it.", "भुगतान की संख्या वैसी लिखें जैसी उसका पृष्ठ दिखाता है।", "ਭੁਗਤਾਨ ਦਾ ਨੰਬਰ ਉਵੇਂ ਲਿਖੋ ਜਿਵੇਂ ਉਸਦਾ ਪੰਨਾ ਦਿਖਾਉਂਦਾ ਹੈ।";
    interrupted: "It was interrupted. Load the page again to see how far it came.", "यह बीच में रुक गया। कितना हुआ, यह देखने के लिए पृष्ठ फिर लोड करें।", "ਇਹ ਵਿਚਾਲੇ ਰੁਕ ਗਿਆ। ਕਿੰਨਾ ਹੋਇਆ, ਇਹ ਵੇਖਣ ਲਈ ਪੰਨਾ ਦੁਬਾਰਾ ਲੋਡ ਕਰੋ।";
    clock_differs: "The computer's clock differs from the database's by {} s: no jobs run here.", "कंप्यूटर की घड़ी डेटाबेस की घड़ी से {} सेकंड भिन्न है: यहाँ कोई कार्य नहीं चलता।", "ਕੰਪਿਊਟਰ ਦੀ ਘੜੀ ਡਾਟਾਬੇਸ ਦੀ ਘੜੀ ਤੋਂ {} ਸਕਿੰਟ ਵੱਖਰੀ ਹੈ: ਇੱਥੇ ਕੋਈ ਕੰਮ ਨਹੀਂ ਚੱਲਦਾ।";

    // Review cases.
    case_stale: "The case has changed meanwhile. Look at it again.", "मामला इस बीच बदल गया है। उसे फिर देखें।", "ਮਾਮਲਾ ਇਸ ਦੌਰਾਨ ਬਦਲ ਗਿਆ ਹੈ। ਉਸਨੂੰ ਦੁਬਾਰਾ ਵੇਖੋ।";
    case_resolved: "The case was resolved before, by {}.", "मामला पहले ही सुलझाया जा चुका है: {}।", "ਮਾਮਲਾ ਪਹਿਲਾਂ ਹੀ ਹੱਲ ਹੋ ਚੁੱਕਾ ਹੈ: {}।";

    // Answers of gateways.
    answer_forged: "The signature of the gateway's answer is wrong. Nothing was changed.", "गेटवे के उत्तर का हस्ताक्षर गलत है। कुछ भी नहीं बदला गया।", "ਗੇਟਵੇ ਦੇ ਜਵਾਬ ਦੇ ਦਸਤਖਤ ਗਲਤ ਹਨ। ਕੁਝ ਵੀ ਨਹੀਂ ਬਦਲਿਆ।";
    answer_of_another: "The gateway's answer is about another payment. Nothing was changed.", "गेटवे का उत्तर किसी दूसरे भुगतान के बारे में है। कुछ भी नहीं बदला गया।", "ਗੇਟਵੇ ਦਾ ਜਵਾਬ ਕਿਸੇ ਹੋਰ ਭੁਗਤਾਨ ਬਾਰੇ ਹੈ। ਕੁਝ ਵੀ ਨਹੀਂ ਬਦਲਿਆ।";

    // Refunds.
    not_paid_adopted: "The payment comes from an earlier service, with values that are not known here.", "यह भुगतान पुरानी सेवा से आया है और इसके कुछ मान यहाँ ज्ञात नहीं हैं।", "ਇਹ ਭੁਗਤਾਨ ਪੁਰਾਣੀ ਸੇਵਾ ਤੋਂ ਆਇਆ ਹੈ ਅਤੇ ਇਸਦੇ ਕੁਝ ਮੁੱਲ ਇੱਥੇ ਪਤਾ ਨਹੀਂ ਹਨ।";
    not_paid_pending: "The payment is pending.", "भुगतान लंबित है।", "ਭੁਗਤਾਨ ਬਕਾਇਆ ਹੈ।";
    not_paid_contradiction: "The refunds of the payment contradict each other.", "भुगतान की धनवापसियाँ एक-दूसरे से मेल नहीं खातीं।", "ਭੁਗਤਾਨ ਦੇ ਰਿਫੰਡ ਇੱਕ ਦੂਜੇ ਨਾਲ ਮੇਲ ਨਹੀਂ ਖਾਂਦੇ।";
    not_paid_case: "Case {} asks for no refund of this payment.", "मामला {} इस भुगतान की धनवापसी नहीं माँगता।", "ਮਾਮਲਾ {} ਇਸ ਭੁਗਤਾਨ ਦਾ ਰਿਫੰਡ ਨਹੀਂ ਮੰਗਦਾ।";
    not_paid_failed: "The payment counts as failed, and no review case says that it was paid.", "भुगतान विफल माना गया है, और कोई मामला नहीं कहता कि वह हुआ था।", "ਭੁਗਤਾਨ ਅਸਫਲ ਮੰਨਿਆ ਗਿਆ ਹੈ, ਅਤੇ ਕੋਈ ਮਾਮਲਾ ਨਹੀਂ ਕਹਿੰਦਾ ਕਿ ਉਹ ਹੋਇਆ ਸੀ।";
    not_paid_case_amount: "The case does not tell how much was taken.", "मामला नहीं बताता कि कितनी राशि ली गई।", "ਮਾਮਲਾ ਨਹੀਂ ਦੱਸਦਾ ਕਿ ਕਿੰਨੀ ਰਕਮ ਲਈ ਗਈ।";
    not_paid_currency: "The gateway took another currency.", "गेटवे ने दूसरी मुद्रा ली।", "ਗੇਟਵੇ ਨੇ ਹੋਰ ਮੁਦਰਾ ਲਈ।";
    not_paid_amount: "The gateway does not say how much was taken.", "गेटवे नहीं बताता कि कितनी राशि ली गई।", "ਗੇਟਵੇ ਨਹੀਂ ਦੱਸਦਾ ਕਿ ਕਿੰਨੀ ਰਕਮ ਲਈ ਗਈ।";
    not_paid_returned: "The gateway says that money was given back, and not how much: it may be more than the refunds of this service.", "गेटवे कहता है कि पैसा वापस हुआ, पर कितना यह नहीं: वह इस सेवा की धनवापसियों से अधिक हो सकता है।", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ ਕਿ ਪੈਸਾ ਵਾਪਸ ਹੋਇਆ, ਪਰ ਕਿੰਨਾ ਇਹ ਨਹੀਂ: ਉਹ ਇਸ ਸੇਵਾ ਦੇ ਰਿਫੰਡਾਂ ਤੋਂ ਵੱਧ ਹੋ ਸਕਦਾ ਹੈ।";
    not_paid_reported: "The gateway says of the payment: {}.", "गेटवे भुगतान के बारे में कहता है: {}।", "ਗੇਟਵੇ ਭੁਗਤਾਨ ਬਾਰੇ ਕਹਿੰਦਾ ਹੈ: {}।";
    refund_all_back: "The payment was given back.", "भुगतान वापस किया जा चुका है।", "ਭੁਗਤਾਨ ਵਾਪਸ ਕੀਤਾ ਜਾ ਚੁੱਕਾ ਹੈ।";
    refund_all_reserved: "Refunds of the payment that are under way reserve all of it.", "चल रही धनवापसियों में भुगतान की पूरी राशि आरक्षित है।", "ਚੱਲ ਰਹੇ ਰਿਫੰਡਾਂ ਵਿੱਚ ਭੁਗਤਾਨ ਦੀ ਪੂਰੀ ਰਕਮ ਰਾਖਵੀਂ ਹੈ।";
    refund_exceeds: "Only {} can be given back.", "केवल {} वापस हो सकते हैं।", "ਕੇਵਲ {} ਵਾਪਸ ਹੋ ਸਕਦੇ ਹਨ।";
    refund_left_differs: "{} can be given back: this has changed since the form was shown.", "{} वापस हो सकते हैं: फ़ॉर्म दिखाए जाने के बाद यह बदल गया है।", "{} ਵਾਪਸ ਹੋ ਸਕਦੇ ਹਨ: ਫਾਰਮ ਦਿਖਾਏ ਜਾਣ ਤੋਂ ਬਾਅਦ ਇਹ ਬਦਲ ਗਿਆ ਹੈ।";
    refund_unusable: "The gateway, or the merchant account of the payment, cannot be used at the moment.", "गेटवे या भुगतान के व्यापारी खाते का अभी उपयोग नहीं हो सकता।", "ਗੇਟਵੇ ਜਾਂ ਭੁਗਤਾਨ ਦਾ ਵਪਾਰੀ ਖਾਤਾ ਹੁਣ ਵਰਤਿਆ ਨਹੀਂ ਜਾ ਸਕਦਾ।";
    refund_gateway_never: "{} gives nothing back.", "{} से धनवापसी नहीं होती।", "{} ਰਾਹੀਂ ਰਿਫੰਡ ਨਹੀਂ ਹੁੰਦਾ।";
    refund_never: "The gateway gives nothing back.", "इस गेटवे से धनवापसी नहीं होती।", "ਇਸ ਗੇਟਵੇ ਰਾਹੀਂ ਰਿਫੰਡ ਨਹੀਂ ਹੁੰਦਾ।";
    refund_only_in: "The gateway gives back {} only.", "गेटवे केवल {} में धनवापसी करता है।", "ਗੇਟਵੇ ਕੇਵਲ {} ਵਿੱਚ ਰਿਫੰਡ ਕਰਦਾ ਹੈ।";
    refund_other_unit: "The gateway counts this currency in another unit.", "गेटवे इस मुद्रा को दूसरी इकाई में गिनता है।", "ਗੇਟਵੇ ਇਸ ਮੁਦਰਾ ਨੂੰ ਹੋਰ ਇਕਾਈ ਵਿੱਚ ਗਿਣਦਾ ਹੈ।";
    refund_number_unknown: "The gateway's number of the payment is not known.", "भुगतान की गेटवे संख्या ज्ञात नहीं है।", "ਭੁਗਤਾਨ ਦਾ ਗੇਟਵੇ ਨੰਬਰ ਪਤਾ ਨਹੀਂ ਹੈ।";
    refund_number_other: "{} is no payment at the gateway.", "{} गेटवे का कोई भुगतान नहीं है।", "{} ਗੇਟਵੇ ਦਾ ਕੋਈ ਭੁਗਤਾਨ ਨਹੀਂ ਹੈ।";
    refund_minimum: "The gateway gives back {} and more.", "गेटवे कम से कम {} वापस करता है।", "ਗੇਟਵੇ ਘੱਟੋ-ਘੱਟ {} ਵਾਪਸ ਕਰਦਾ ਹੈ।";
    refund_whole_only: "The gateway gives back whole payments only.", "गेटवे केवल पूरा भुगतान वापस करता है।", "ਗੇਟਵੇ ਕੇਵਲ ਪੂਰਾ ਭੁਗਤਾਨ ਵਾਪਸ ਕਰਦਾ ਹੈ।";
    refund_once: "The gateway gives back something of a payment once.", "गेटवे एक भुगतान में से एक ही बार वापस करता है।", "ਗੇਟਵੇ ਇੱਕ ਭੁਗਤਾਨ ਵਿੱਚੋਂ ਇੱਕੋ ਵਾਰ ਵਾਪਸ ਕਰਦਾ ਹੈ।";
    refund_limit: "Refunds of this tenant are limited to {}.", "इस निकाय की धनवापसी {} तक सीमित है।", "ਇਸ ਨਿਕਾਇ ਦਾ ਰਿਫੰਡ {} ਤੱਕ ਸੀਮਤ ਹੈ।";
    refund_window: "Refunds are requested within {} days of the payment.", "धनवापसी का अनुरोध भुगतान के {} दिनों के भीतर होता है।", "ਰਿਫੰਡ ਦੀ ਬੇਨਤੀ ਭੁਗਤਾਨ ਦੇ {} ਦਿਨਾਂ ਦੇ ਅੰਦਰ ਹੁੰਦੀ ਹੈ।";
    receipt_status: "The receipt would have to be cancelled before, and cannot be: at the collection service the payment is not APPROVED ({}).", "पहले रसीद रद्द करनी होगी, पर नहीं हो सकती: संग्रह सेवा में भुगतान APPROVED नहीं है ({})।", "ਪਹਿਲਾਂ ਰਸੀਦ ਰੱਦ ਕਰਨੀ ਪਵੇਗੀ, ਪਰ ਨਹੀਂ ਹੋ ਸਕਦੀ: ਵਸੂਲੀ ਸੇਵਾ ਵਿੱਚ ਭੁਗਤਾਨ APPROVED ਨਹੀਂ ਹੈ ({})।";
    receipt_later: "The receipt would have to be cancelled before, and cannot be: a later payment of the same consumer code is registered.", "पहले रसीद रद्द करनी होगी, पर नहीं हो सकती: उसी उपभोक्ता कोड का बाद का भुगतान पंजीकृत है।", "ਪਹਿਲਾਂ ਰਸੀਦ ਰੱਦ ਕਰਨੀ ਪਵੇਗੀ, ਪਰ ਨਹੀਂ ਹੋ ਸਕਦੀ: ਉਸੇ ਖਪਤਕਾਰ ਕੋਡ ਦਾ ਬਾਅਦ ਦਾ ਭੁਗਤਾਨ ਦਰਜ ਹੈ।";
    receipt_unknown: "The receipt would have to be cancelled before, and the collection service does not say whether it can be.", "पहले रसीद रद्द करनी होगी, और संग्रह सेवा नहीं बताती कि वह हो सकती है या नहीं।", "ਪਹਿਲਾਂ ਰਸੀਦ ਰੱਦ ਕਰਨੀ ਪਵੇਗੀ, ਅਤੇ ਵਸੂਲੀ ਸੇਵਾ ਨਹੀਂ ਦੱਸਦੀ ਕਿ ਉਹ ਹੋ ਸਕਦੀ ਹੈ ਜਾਂ ਨਹੀਂ।";
    refund_same_person: "Another person than the maker and the first checker decides on a refund.", "धनवापसी पर अनुरोधकर्ता और पहले जाँचकर्ता से भिन्न व्यक्ति निर्णय लेता है।", "ਰਿਫੰਡ ਤੇ ਬੇਨਤੀਕਰਤਾ ਅਤੇ ਪਹਿਲੇ ਜਾਂਚਕਰਤਾ ਤੋਂ ਵੱਖਰਾ ਵਿਅਕਤੀ ਫੈਸਲਾ ਲੈਂਦਾ ਹੈ।";
    refund_not_the_maker: "The maker alone withdraws a refund.", "केवल अनुरोधकर्ता धनवापसी का अनुरोध वापस लेता है।", "ਕੇਵਲ ਬੇਨਤੀਕਰਤਾ ਰਿਫੰਡ ਦੀ ਬੇਨਤੀ ਵਾਪਸ ਲੈਂਦਾ ਹੈ।";
    refund_moved_on: "The refund has changed meanwhile: {}, version {}.", "धनवापसी इस बीच बदल गई है: {}, संस्करण {}।", "ਰਿਫੰਡ ਇਸ ਦੌਰਾਨ ਬਦਲ ਗਿਆ ਹੈ: {}, ਸੰਸਕਰਣ {}।";
    refund_gateway_unavailable: "The gateway cannot be asked about the payment now: {}.", "गेटवे से भुगतान के बारे में अभी नहीं पूछा जा सकता: {}।", "ਗੇਟਵੇ ਤੋਂ ਭੁਗਤਾਨ ਬਾਰੇ ਹੁਣ ਨਹੀਂ ਪੁੱਛਿਆ ਜਾ ਸਕਦਾ: {}।";
    gateway_pace: "as many are asked about as it allows", "जितने वह अनुमति देता है उतने पूछे जा रहे हैं", "ਜਿੰਨੇ ਉਹ ਆਗਿਆ ਦਿੰਦਾ ਹੈ ਓਨੇ ਪੁੱਛੇ ਜਾ ਰਹੇ ਹਨ";

    // Merchant accounts.
    account_stale: "The account has changed meanwhile. Look at it again.", "खाता इस बीच बदल गया है। उसे फिर देखें।", "ਖਾਤਾ ਇਸ ਦੌਰਾਨ ਬਦਲ ਗਿਆ ਹੈ। ਉਸਨੂੰ ਦੁਬਾਰਾ ਵੇਖੋ।";
    account_nameless: "Credentials are entered and activated by two people, each by a login of their own: a one-time link is none.", "प्रत्यय दो व्यक्ति भरते और सक्रिय करते हैं, हर एक अपने लॉग इन से: एक बार का लिंक ऐसा लॉग इन नहीं है।", "ਪ੍ਰਮਾਣ ਦੋ ਵਿਅਕਤੀ ਭਰਦੇ ਅਤੇ ਚਾਲੂ ਕਰਦੇ ਹਨ, ਹਰ ਇੱਕ ਆਪਣੇ ਲਾਗ ਇਨ ਨਾਲ: ਇੱਕ ਵਾਰ ਦਾ ਲਿੰਕ ਅਜਿਹਾ ਲਾਗ ਇਨ ਨਹੀਂ ਹੈ।";
    account_same_person: "Another person than the one who entered the credentials has to activate them.", "प्रत्यय भरने वाले से भिन्न व्यक्ति को उन्हें सक्रिय करना होगा।", "ਪ੍ਰਮਾਣ ਭਰਨ ਵਾਲੇ ਤੋਂ ਵੱਖਰੇ ਵਿਅਕਤੀ ਨੂੰ ਉਨ੍ਹਾਂ ਨੂੰ ਚਾਲੂ ਕਰਨਾ ਪਵੇਗਾ।";
    account_other_merchant: "The credentials are another merchant's: add another account for it.", "प्रत्यय किसी दूसरे व्यापारी के हैं: उसके लिए दूसरा खाता जोड़ें।", "ਪ੍ਰਮਾਣ ਕਿਸੇ ਹੋਰ ਵਪਾਰੀ ਦੇ ਹਨ: ਉਸ ਲਈ ਦੂਜਾ ਖਾਤਾ ਜੋੜੋ।";
    account_not_verified: "The gateway does not accept the credentials: {}.", "गेटवे प्रत्यय स्वीकार नहीं करता: {}।", "ਗੇਟਵੇ ਪ੍ਰਮਾਣ ਸਵੀਕਾਰ ਨਹੀਂ ਕਰਦਾ: {}।";
    gateway_unknown_payment: "it does not know the payment", "वह भुगतान को नहीं जानता", "ਉਹ ਭੁਗਤਾਨ ਨੂੰ ਨਹੀਂ ਜਾਣਦਾ";
    gateway_inconclusive: "its answer proves nothing ({})", "उसका उत्तर कुछ सिद्ध नहीं करता ({})", "ਉਸਦਾ ਜਵਾਬ ਕੁਝ ਸਾਬਤ ਨਹੀਂ ਕਰਦਾ ({})";
    account_is_retired: "The account is retired: add another one.", "खाता सेवानिवृत्त है: दूसरा जोड़ें।", "ਖਾਤਾ ਸੇਵਾਮੁਕਤ ਹੈ: ਦੂਜਾ ਜੋੜੋ।";
    account_not_entered: "No credentials are entered.", "कोई प्रत्यय भरे नहीं गए हैं।", "ਕੋਈ ਪ੍ਰਮਾਣ ਭਰੇ ਨਹੀਂ ਗਏ ਹਨ।";
    account_no_such_payment: "There is no such payment of this account.", "इस खाते का ऐसा कोई भुगतान नहीं है।", "ਇਸ ਖਾਤੇ ਦਾ ਅਜਿਹਾ ਕੋਈ ਭੁਗਤਾਨ ਨਹੀਂ ਹੈ।";
    account_is_active: "The credentials are active: activate others, or retire the account.", "प्रत्यय सक्रिय हैं: दूसरे सक्रिय करें, या खाता सेवानिवृत्त करें।", "ਪ੍ਰਮਾਣ ਚਾਲੂ ਹਨ: ਦੂਜੇ ਚਾਲੂ ਕਰੋ, ਜਾਂ ਖਾਤਾ ਸੇਵਾਮੁਕਤ ਕਰੋ।";
    account_is_wiped: "The credentials are wiped already.", "प्रत्यय पहले ही मिटाए जा चुके हैं।", "ਪ੍ਰਮਾਣ ਪਹਿਲਾਂ ਹੀ ਮਿਟਾਏ ਜਾ ਚੁੱਕੇ ਹਨ।";
    account_only_wiped: "The credentials are retired: they can only be wiped.", "प्रत्यय सेवानिवृत्त हैं: वे केवल मिटाए जा सकते हैं।", "ਪ੍ਰਮਾਣ ਸੇਵਾਮੁਕਤ ਹਨ: ਉਹ ਕੇਵਲ ਮਿਟਾਏ ਜਾ ਸਕਦੇ ਹਨ।";
    no_stored_accounts: "The gateway {} has no stored accounts.", "गेटवे {} के खाते सहेजे नहीं जाते।", "ਗੇਟਵੇ {} ਦੇ ਖਾਤੇ ਸੰਭਾਲੇ ਨਹੀਂ ਜਾਂਦੇ।";
    field_length: "{}: 1 to {} characters, no control characters.", "{}: 1 से {} अक्षर, नियंत्रण अक्षर नहीं।", "{}: 1 ਤੋਂ {} ਅੱਖਰ, ਕੰਟਰੋਲ ਅੱਖਰ ਨਹੀਂ।";
    field_unknown: "{} is no field of an account of {}.", "{} ऐसे खाते का मान नहीं है: {}।", "{} ਅਜਿਹੇ ਖਾਤੇ ਦਾ ਮੁੱਲ ਨਹੀਂ ਹੈ: {}।";
    field_too_long: "{} is too long.", "{} बहुत लंबा है।", "{} ਬਹੁਤ ਲੰਮਾ ਹੈ।";
    field_missing: "{} must be entered.", "{} भरना आवश्यक है।", "{} ਭਰਨਾ ਲੋੜੀਂਦਾ ਹੈ।";
    field_wrong: "{} has an entry that cannot be used.", "{} में ऐसी प्रविष्टि है जिसका उपयोग नहीं हो सकता।", "{} ਵਿੱਚ ਅਜਿਹੀ ਐਂਟਰੀ ਹੈ ਜੋ ਵਰਤੀ ਨਹੀਂ ਜਾ ਸਕਦੀ।";
    file_wrong: "The configuration file has a problem with the settings of this gateway.", "विन्यास फ़ाइल में इस गेटवे की सेटिंग में समस्या है।", "ਸੰਰਚਨਾ ਫਾਈਲ ਵਿੱਚ ਇਸ ਗੇਟਵੇ ਦੀਆਂ ਸੈਟਿੰਗਾਂ ਵਿੱਚ ਸਮੱਸਿਆ ਹੈ।";
    fault_no_fields: "its fields are not entered, or were wiped", "इसके मान भरे नहीं गए, या मिटा दिए गए", "ਇਸਦੇ ਮੁੱਲ ਭਰੇ ਨਹੀਂ ਗਏ, ਜਾਂ ਮਿਟਾ ਦਿੱਤੇ ਗਏ";
    fault_no_credentials: "its credentials were wiped, or never activated", "इसके प्रत्यय मिटा दिए गए, या कभी सक्रिय नहीं हुए", "ਇਸਦੇ ਪ੍ਰਮਾਣ ਮਿਟਾ ਦਿੱਤੇ ਗਏ, ਜਾਂ ਕਦੇ ਚਾਲੂ ਨਹੀਂ ਹੋਏ";
    key_none: "there is no key-encryption key: set keys.current.file", "कुंजी कूटबद्ध करने वाली कुंजी नहीं है: keys.current.file दें", "ਕੁੰਜੀ ਕੂਟਬੱਧ ਕਰਨ ਵਾਲੀ ਕੁੰਜੀ ਨਹੀਂ ਹੈ: keys.current.file ਦਿਓ";
    key_missing: "the key-encryption key {} is missing: name it in keys.current.file or keys.previous.file", "कुंजी {} नहीं मिली: उसे keys.current.file या keys.previous.file में दें", "ਕੁੰਜੀ {} ਨਹੀਂ ਮਿਲੀ: ਉਸਨੂੰ keys.current.file ਜਾਂ keys.previous.file ਵਿੱਚ ਦਿਓ";
    key_wrong: "the key-encryption key {} is not the one that the credentials were encrypted with, or they were altered", "कुंजी {} वह नहीं है जिससे प्रत्यय कूटबद्ध हुए थे, या वे बदल दिए गए हैं", "ਕੁੰਜੀ {} ਉਹ ਨਹੀਂ ਹੈ ਜਿਸ ਨਾਲ ਪ੍ਰਮਾਣ ਕੂਟਬੱਧ ਹੋਏ ਸਨ, ਜਾਂ ਉਹ ਬਦਲ ਦਿੱਤੇ ਗਏ ਹਨ";
    key_altered: "the field {} was altered (key-encryption key {})", "मान {} बदल दिया गया है (कुंजी {})", "ਮੁੱਲ {} ਬਦਲ ਦਿੱਤਾ ਗਿਆ ਹੈ (ਕੁੰਜੀ {})";

    // API tokens.
    token_label: "The purpose has 1 to 100 characters, none of them a control character.", "उद्देश्य में 1 से 100 अक्षर होते हैं, नियंत्रण अक्षर नहीं।", "ਉਦੇਸ਼ ਵਿੱਚ 1 ਤੋਂ 100 ਅੱਖਰ ਹੁੰਦੇ ਹਨ, ਕੰਟਰੋਲ ਅੱਖਰ ਨਹੀਂ।";
    token_holder: "Your name or your id is too long for a token.", "टोकन के लिए आपका नाम या आपकी पहचान बहुत लंबी है।", "ਟੋਕਨ ਲਈ ਤੁਹਾਡਾ ਨਾਮ ਜਾਂ ਤੁਹਾਡੀ ਪਛਾਣ ਬਹੁਤ ਲੰਮੀ ਹੈ।";
    token_grants: "A token has 1 to 50 roles.", "टोकन में 1 से 50 भूमिकाएँ होती हैं।", "ਟੋਕਨ ਵਿੱਚ 1 ਤੋਂ 50 ਭੂਮਿਕਾਵਾਂ ਹੁੰਦੀਆਂ ਹਨ।";
    token_life: "A token lives for 1 to 366 days.", "टोकन 1 से 366 दिन चलता है।", "ਟੋਕਨ 1 ਤੋਂ 366 ਦਿਨ ਚੱਲਦਾ ਹੈ।";
    token_own_life: "A token for oneself lives for 90 days at most.", "अपने लिए टोकन अधिकतम 90 दिन चलता है।", "ਆਪਣੇ ਲਈ ਟੋਕਨ ਵੱਧ ਤੋਂ ਵੱਧ 90 ਦਿਨ ਚੱਲਦਾ ਹੈ।";
    token_own_refunds: "A token that makes or checks refunds is issued by another person than its holder.", "धनवापसी बनाने या जाँचने वाला टोकन उसके धारक से भिन्न व्यक्ति जारी करता है।", "ਰਿਫੰਡ ਬਣਾਉਣ ਜਾਂ ਜਾਂਚਣ ਵਾਲਾ ਟੋਕਨ ਉਸਦੇ ਧਾਰਕ ਤੋਂ ਵੱਖਰਾ ਵਿਅਕਤੀ ਜਾਰੀ ਕਰਦਾ ਹੈ।";
    token_label_taken: "A valid token of yours has this purpose.", "आपके एक मान्य टोकन का यही उद्देश्य है।", "ਤੁਹਾਡੇ ਇੱਕ ਵੈਧ ਟੋਕਨ ਦਾ ਇਹੀ ਉਦੇਸ਼ ਹੈ।";
    token_admin_with_refunds: "{}: the holder would have PG_ADMIN and make or check refunds. One person has one of them.", "{}: धारक के पास PG_ADMIN और धनवापसी दोनों होंगे। एक व्यक्ति के पास इनमें से एक ही होता है।", "{}: ਧਾਰਕ ਕੋਲ PG_ADMIN ਅਤੇ ਰਿਫੰਡ ਦੋਵੇਂ ਹੋਣਗੇ। ਇੱਕ ਵਿਅਕਤੀ ਕੋਲ ਇਨ੍ਹਾਂ ਵਿੱਚੋਂ ਇੱਕ ਹੀ ਹੁੰਦਾ ਹੈ।";
    token_program_checks: "A program checks no refunds: PG_REFUND_CHECKER is for people.", "प्रोग्राम धनवापसी नहीं जाँचता: PG_REFUND_CHECKER लोगों के लिए है।", "ਪ੍ਰੋਗਰਾਮ ਰਿਫੰਡ ਨਹੀਂ ਜਾਂਚਦਾ: PG_REFUND_CHECKER ਲੋਕਾਂ ਲਈ ਹੈ।";
    token_uuid_taken: "Your id belongs to a holder of another name or kind.", "आपकी पहचान किसी दूसरे नाम या प्रकार के धारक की है।", "ਤੁਹਾਡੀ ਪਛਾਣ ਕਿਸੇ ਹੋਰ ਨਾਮ ਜਾਂ ਕਿਸਮ ਦੇ ਧਾਰਕ ਦੀ ਹੈ।";
    token_name_taken: "The holder of your name has another id.", "आपके नाम के धारक की पहचान दूसरी है।", "ਤੁਹਾਡੇ ਨਾਮ ਦੇ ਧਾਰਕ ਦੀ ਪਛਾਣ ਹੋਰ ਹੈ।";
    token_revoked: "The token was revoked before, by {}.", "टोकन पहले ही निरस्त हो चुका है: {}।", "ਟੋਕਨ ਪਹਿਲਾਂ ਹੀ ਰੱਦ ਹੋ ਚੁੱਕਾ ਹੈ: {}।";
}
