//! API tokens.

texts! {
    Tokens;
    tokens: "API tokens", "एपीआई टोकन", "ਏਪੀਆਈ ਟੋਕਨ";
    tokens_note: "A program that presents a token acts in your name, with the role that the token has. An administrator sees and revokes those of their tenants.", "जो प्रोग्राम टोकन प्रस्तुत करता है, वह आपके नाम से, टोकन की भूमिका में काम करता है। प्रशासक अपने निकायों के टोकन देखता और निरस्त करता है।", "ਜੋ ਪ੍ਰੋਗਰਾਮ ਟੋਕਨ ਪੇਸ਼ ਕਰਦਾ ਹੈ, ਉਹ ਤੁਹਾਡੇ ਨਾਮ ਤੇ, ਟੋਕਨ ਦੀ ਭੂਮਿਕਾ ਵਿੱਚ ਕੰਮ ਕਰਦਾ ਹੈ। ਪ੍ਰਸ਼ਾਸਕ ਆਪਣੇ ਨਿਕਾਇਆਂ ਦੇ ਟੋਕਨ ਵੇਖਦਾ ਅਤੇ ਰੱਦ ਕਰਦਾ ਹੈ।";
    token: "Token", "टोकन", "ਟੋਕਨ";
    new_token: "A new token for yourself", "अपने लिए नया टोकन", "ਆਪਣੇ ਲਈ ਨਵਾਂ ਟੋਕਨ";
    no_own_role: "Making and checking refunds is left to people: you hold no role for a token of your own.", "धनवापसी बनाना और जाँचना लोगों का काम है: आपके अपने टोकन के लिए कोई भूमिका नहीं है।", "ਰਿਫੰਡ ਬਣਾਉਣਾ ਅਤੇ ਜਾਂਚਣਾ ਲੋਕਾਂ ਦਾ ਕੰਮ ਹੈ: ਤੁਹਾਡੇ ਆਪਣੇ ਟੋਕਨ ਲਈ ਕੋਈ ਭੂਮਿਕਾ ਨਹੀਂ ਹੈ।";
    purpose_hint: "By which you recognise it, such as the program's name.", "जिससे आप उसे पहचानें, जैसे प्रोग्राम का नाम।", "ਜਿਸ ਨਾਲ ਤੁਸੀਂ ਇਸਨੂੰ ਪਛਾਣੋ, ਜਿਵੇਂ ਪ੍ਰੋਗਰਾਮ ਦਾ ਨਾਮ।";
    role: "Role", "भूमिका", "ਭੂਮਿਕਾ";
    narrower: "Only for this tenant", "केवल इस निकाय के लिए", "ਸਿਰਫ ਇਸ ਨਿਕਾਇ ਲਈ";
    narrower_hint: "Empty: for all tenants of the role.", "खाली: भूमिका के सभी निकायों के लिए।", "ਖਾਲੀ: ਭੂਮਿਕਾ ਦੇ ਸਾਰੇ ਨਿਕਾਇਆਂ ਲਈ।";
    days: "Days", "दिन", "ਦਿਨ";
    issue_token: "Issue the token", "टोकन जारी करें", "ਟੋਕਨ ਜਾਰੀ ਕਰੋ";
    token_issued: "The token was issued", "टोकन जारी हुआ", "ਟੋਕਨ ਜਾਰੀ ਹੋਇਆ";
    token_once: "It is shown now and never again. Keep it where the program reads it.", "यह केवल अभी दिखाया जाता है, फिर कभी नहीं। इसे वहाँ रखें जहाँ प्रोग्राम इसे पढ़ता है।", "ਇਹ ਸਿਰਫ ਹੁਣ ਦਿਖਾਇਆ ਜਾਂਦਾ ਹੈ, ਫਿਰ ਕਦੇ ਨਹੀਂ। ਇਸਨੂੰ ਉੱਥੇ ਰੱਖੋ ਜਿੱਥੇ ਪ੍ਰੋਗਰਾਮ ਇਸਨੂੰ ਪੜ੍ਹਦਾ ਹੈ।";
    valid_tokens: "Valid tokens", "मान्य टोकन", "ਵੈਧ ਟੋਕਨ";
    all_tokens: "All tokens", "सभी टोकन", "ਸਾਰੇ ਟੋਕਨ";
    never: "never", "कभी नहीं", "ਕਦੇ ਨਹੀਂ";
    valid: "valid", "मान्य", "ਵੈਧ";
    expired: "expired", "समय समाप्त", "ਮਿਆਦ ਖਤਮ";
    revoked: "revoked", "निरस्त", "ਰੱਦ";
    revoke: "Revoke", "निरस्त करें", "ਰੱਦ ਕਰੋ";
}
