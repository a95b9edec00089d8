//! The purposes of jobs.

texts! {
    Jobs;
    reconcile_early: "Asks gateways about payments that are one interval old.", "एक अंतराल पुराने भुगतानों के बारे में गेटवे से पूछता है।", "ਇੱਕ ਅੰਤਰਾਲ ਪੁਰਾਣੇ ਭੁਗਤਾਨਾਂ ਬਾਰੇ ਗੇਟਵੇ ਤੋਂ ਪੁੱਛਦਾ ਹੈ।";
    reconcile_follow_up: "Asks again, at growing distances, about what was pending.", "जो लंबित था उसके बारे में बढ़ते अंतराल पर फिर पूछता है।", "ਜੋ ਬਕਾਇਆ ਸੀ ਉਸ ਬਾਰੇ ਵਧਦੇ ਅੰਤਰਾਲ ਤੇ ਫਿਰ ਪੁੱਛਦਾ ਹੈ।";
    reconcile_daily: "Asks about everything that is pending.", "जो कुछ लंबित है उस सबके बारे में पूछता है।", "ਜੋ ਕੁਝ ਬਕਾਇਆ ਹੈ ਉਸ ਸਭ ਬਾਰੇ ਪੁੱਛਦਾ ਹੈ।";
    receipts: "Issues and cancels receipts that are due.", "देय रसीदें जारी और रद्द करता है।", "ਬਕਾਇਆ ਰਸੀਦਾਂ ਜਾਰੀ ਅਤੇ ਰੱਦ ਕਰਦਾ ਹੈ।";
    refunds: "Sends refunds that are approved, and asks gateways about those that were sent.", "अनुमोदित धनवापसी भेजता है, और भेजी गई के बारे में गेटवे से पूछता है।", "ਮਨਜ਼ੂਰ ਰਿਫੰਡ ਭੇਜਦਾ ਹੈ, ਅਤੇ ਭੇਜੇ ਗਿਆਂ ਬਾਰੇ ਗੇਟਵੇ ਤੋਂ ਪੁੱਛਦਾ ਹੈ।";
    housekeeping: "Deletes expired rows.", "समय सीमा पार कर चुकी पंक्तियाँ हटाता है।", "ਮਿਆਦ ਪੁੱਗ ਚੁੱਕੀਆਂ ਕਤਾਰਾਂ ਹਟਾਉਂਦਾ ਹੈ।";
    audit_seal: "Seals the histories of payments in the audit log.", "भुगतानों का इतिहास लेखा परीक्षा लॉग में मुहरबंद करता है।", "ਭੁਗਤਾਨਾਂ ਦਾ ਇਤਿਹਾਸ ਆਡਿਟ ਲਾਗ ਵਿੱਚ ਮੋਹਰਬੰਦ ਕਰਦਾ ਹੈ।";
    audit_checkpoint: "Signs the audit log.", "लेखा परीक्षा लॉग पर हस्ताक्षर करता है।", "ਆਡਿਟ ਲਾਗ ਤੇ ਦਸਤਖਤ ਕਰਦਾ ਹੈ।";
    audit_verify: "Verifies the audit log, when an operator asks.", "संचालक के कहने पर लेखा परीक्षा लॉग सत्यापित करता है।", "ਸੰਚਾਲਕ ਦੇ ਕਹਿਣ ਤੇ ਆਡਿਟ ਲਾਗ ਦੀ ਪੁਸ਼ਟੀ ਕਰਦਾ ਹੈ।";
    accounts: "Wipes credentials of merchant accounts that were retired long ago.", "बहुत पहले सेवानिवृत्त व्यापारी खातों के प्रत्यय मिटाता है।", "ਬਹੁਤ ਪਹਿਲਾਂ ਸੇਵਾਮੁਕਤ ਵਪਾਰੀ ਖਾਤਿਆਂ ਦੇ ਪ੍ਰਮਾਣ ਮਿਟਾਉਂਦਾ ਹੈ।";
    figures: "Counts payments and refunds by day, for the console.", "कंसोल के लिए भुगतान और धनवापसी दिन के अनुसार गिनता है।", "ਕੰਸੋਲ ਲਈ ਭੁਗਤਾਨ ਅਤੇ ਰਿਫੰਡ ਦਿਨ ਅਨੁਸਾਰ ਗਿਣਦਾ ਹੈ।";
    figures_verify: "Compares the counts by day with the payments.", "दिन के अनुसार गिनती को भुगतानों से मिलाता है।", "ਦਿਨ ਅਨੁਸਾਰ ਗਿਣਤੀ ਨੂੰ ਭੁਗਤਾਨਾਂ ਨਾਲ ਮਿਲਾਉਂਦਾ ਹੈ।";
    outbox: "Publishes events to Kafka.", "घटनाएँ Kafka पर प्रकाशित करता है।", "ਘਟਨਾਵਾਂ Kafka ਤੇ ਪ੍ਰਕਾਸ਼ਿਤ ਕਰਦਾ ਹੈ।";

    by_hand: "by hand", "हाथ से", "ਹੱਥੀਂ";
    every_seconds: "every {} s", "हर {} सेकंड", "ਹਰ {} ਸਕਿੰਟ";
    every_minutes: "every {} min", "हर {} मिनट", "ਹਰ {} ਮਿੰਟ";
    every_hours: "every {} h", "हर {} घंटे", "ਹਰ {} ਘੰਟੇ";
    taken_over_by: "Taken over by {}", "{} ने संभाला", "{} ਨੇ ਸੰਭਾਲਿਆ";
}
