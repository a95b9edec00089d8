//! Words of several screens.

texts! {
    Words;
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
}
