//! The reasons in the lines of histories, and the answers and errors of gateways. Values are in the order of the stored
//! sentences.

texts! {
    Reasons;
    reopened: "{}. The case, which was resolved, is open again.", "{}। सुलझाया गया मामला फिर खुल गया है।", "{}। ਹੱਲ ਕੀਤਾ ਮਾਮਲਾ ਫਿਰ ਖੁੱਲ੍ਹ ਗਿਆ ਹੈ।";
    put_up: "{}. A case was raised: {}.", "{}। मामला उठाया गया: {}।", "{}। ਮਾਮਲਾ ਉਠਾਇਆ ਗਿਆ: {}।";
    not_asked_again: "{}. Whether the money came back is not asked again.", "{}। पैसा लौटा या नहीं, यह फिर नहीं पूछा जाता।", "{}। ਪੈਸਾ ਮੁੜਿਆ ਜਾਂ ਨਹੀਂ, ਇਹ ਫਿਰ ਨਹੀਂ ਪੁੱਛਿਆ ਜਾਂਦਾ।";
    sent_days_ago: "{}. It was sent {} days ago.", "{}। इसे भेजे {} दिन हुए।", "{}। ਇਸਨੂੰ ਭੇਜੇ {} ਦਿਨ ਹੋਏ।";
    closed_for_another: "Closed for another payment: {}", "दूसरे भुगतान के लिए बंद: {}", "ਦੂਜੇ ਭੁਗਤਾਨ ਲਈ ਬੰਦ: {}";
    created: "Created", "बनाया गया", "ਬਣਾਇਆ ਗਿਆ";
    created_with_nothing_to_pay: "Created, nothing to pay", "बनाया गया, कुछ देय नहीं", "ਬਣਾਇਆ ਗਿਆ, ਕੁਝ ਦੇਣਾ ਨਹੀਂ";
    order_opened: "The gateway opened the order", "गेटवे ने ऑर्डर खोला", "ਗੇਟਵੇ ਨੇ ਆਰਡਰ ਖੋਲ੍ਹਿਆ";
    order_unclear: "Whether the gateway opened the order is not known: {}", "गेटवे ने ऑर्डर खोला या नहीं, यह ज्ञात नहीं: {}", "ਗੇਟਵੇ ਨੇ ਆਰਡਰ ਖੋਲ੍ਹਿਆ ਜਾਂ ਨਹੀਂ, ਇਹ ਪਤਾ ਨਹੀਂ: {}";
    says_paid: "The gateway says: paid {}", "गेटवे कहता है: {} का भुगतान हुआ", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: {} ਦਾ ਭੁਗਤਾਨ ਹੋਇਆ";
    says_paid_without_amount: "The gateway says: paid, without an amount", "गेटवे कहता है: भुगतान हुआ, राशि नहीं बताई", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: ਭੁਗਤਾਨ ਹੋਇਆ, ਰਕਮ ਨਹੀਂ ਦੱਸੀ";
    says_declined: "The gateway says: declined, {}", "गेटवे कहता है: अस्वीकृत, {}", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: ਰੱਦ, {}";
    says_unknown: "The gateway says something unknown: {}", "गेटवे का उत्तर अज्ञात है: {}", "ਗੇਟਵੇ ਦਾ ਜਵਾਬ ਅਣਜਾਣ ਹੈ: {}";
    not_asked: "The gateway could not be asked: {}", "गेटवे से नहीं पूछा जा सका: {}", "ਗੇਟਵੇ ਤੋਂ ਨਹੀਂ ਪੁੱਛਿਆ ਜਾ ਸਕਿਆ: {}";
    still_pending: "Still pending after {} hours", "{} घंटे बाद भी लंबित", "{} ਘੰਟੇ ਬਾਅਦ ਵੀ ਬਕਾਇਆ";
    case_resolved: "Case {} resolved: {}", "मामला सुलझाया गया, {}: {}", "ਮਾਮਲਾ ਹੱਲ ਕੀਤਾ ਗਿਆ, {}: {}";
    case_resolved_by_refund: "Case resolved: the payment was given back by refund {}", "मामला सुलझ गया: भुगतान धनवापसी {} से वापस हुआ", "ਮਾਮਲਾ ਹੱਲ ਹੋਇਆ: ਭੁਗਤਾਨ ਰਿਫੰਡ {} ਨਾਲ ਵਾਪਸ ਹੋਇਆ";
    part_given_back: "{} of the payment were given back", "भुगतान में से {} वापस हुए", "ਭੁਗਤਾਨ ਵਿੱਚੋਂ {} ਵਾਪਸ ਹੋਏ";
    receipt_issued: "Receipt issued", "रसीद जारी हुई", "ਰਸੀਦ ਜਾਰੀ ਹੋਈ";
    receipt_not_issued: "No receipt is issued: the payment was given back", "रसीद जारी नहीं होती: भुगतान वापस हुआ", "ਰਸੀਦ ਜਾਰੀ ਨਹੀਂ ਹੁੰਦੀ: ਭੁਗਤਾਨ ਵਾਪਸ ਹੋਇਆ";
    receipt_refused: "The collection service refuses to register the payment", "संग्रह सेवा भुगतान दर्ज करने से मना करती है", "ਵਸੂਲੀ ਸੇਵਾ ਭੁਗਤਾਨ ਦਰਜ ਕਰਨ ਤੋਂ ਇਨਕਾਰ ਕਰਦੀ ਹੈ";
    receipt_cancelled: "Receipt cancelled", "रसीद रद्द हुई", "ਰਸੀਦ ਰੱਦ ਹੋਈ";
    receipt_missing: "There is no receipt to be cancelled", "रद्द करने के लिए रसीद नहीं है", "ਰੱਦ ਕਰਨ ਲਈ ਰਸੀਦ ਨਹੀਂ ਹੈ";
    receipt_kept: "The receipt stays: nothing was given back", "रसीद बनी रहती है: कुछ वापस नहीं हुआ", "ਰਸੀਦ ਬਣੀ ਰਹਿੰਦੀ ਹੈ: ਕੁਝ ਵਾਪਸ ਨਹੀਂ ਹੋਇਆ";
    receipt_not_cancellable: "The collection service refuses to cancel the receipt", "संग्रह सेवा रसीद रद्द करने से मना करती है", "ਵਸੂਲੀ ਸੇਵਾ ਰਸੀਦ ਰੱਦ ਕਰਨ ਤੋਂ ਇਨਕਾਰ ਕਰਦੀ ਹੈ";
    receipt_cancelled_in_vain: "The receipt is cancelled, and the refund failed", "रसीद रद्द हुई, और धनवापसी विफल रही", "ਰਸੀਦ ਰੱਦ ਹੋਈ, ਅਤੇ ਰਿਫੰਡ ਅਸਫਲ ਰਿਹਾ";
    requested: "Requested", "अनुरोध किया गया", "ਬੇਨਤੀ ਕੀਤੀ ਗਈ";
    approved_without_checker: "Approved without a checker: {}", "जाँचकर्ता के बिना अनुमोदित: {}", "ਜਾਂਚਕਰਤਾ ਤੋਂ ਬਿਨਾਂ ਮਨਜ਼ੂਰ: {}";
    approved: "Approved, {} of {}", "अनुमोदित, {}/{}", "ਮਨਜ਼ੂਰ, {}/{}";
    rejected: "Rejected", "अस्वीकृत", "ਰੱਦ ਕੀਤਾ ਗਿਆ";
    withdrawn: "Withdrawn", "वापस लिया गया", "ਵਾਪਸ ਲਿਆ ਗਿਆ";
    not_decided: "No decision came in time", "समय पर निर्णय नहीं हुआ", "ਸਮੇਂ ਸਿਰ ਫੈਸਲਾ ਨਹੀਂ ਹੋਇਆ";
    sent: "Sent to the gateway", "गेटवे को भेजा गया", "ਗੇਟਵੇ ਨੂੰ ਭੇਜਿਆ ਗਿਆ";
    sent_again: "Sent again with the same id: the gateway knows nothing of it", "उसी संख्या से फिर भेजा गया: गेटवे को इसकी जानकारी नहीं है", "ਉਸੇ ਨੰਬਰ ਨਾਲ ਫਿਰ ਭੇਜਿਆ ਗਿਆ: ਗੇਟਵੇ ਨੂੰ ਇਸਦੀ ਜਾਣਕਾਰੀ ਨਹੀਂ ਹੈ";
    not_sent: "Not sent: {}", "नहीं भेजा गया: {}", "ਨਹੀਂ ਭੇਜਿਆ ਗਿਆ: {}";
    approved_and_not_sent: "Approved and not sent: {}", "अनुमोदित पर नहीं भेजा गया: {}", "ਮਨਜ਼ੂਰ ਪਰ ਨਹੀਂ ਭੇਜਿਆ ਗਿਆ: {}";
    not_taken_on: "The gateway has not taken it on: {}", "गेटवे ने इसे नहीं लिया: {}", "ਗੇਟਵੇ ਨੇ ਇਸਨੂੰ ਨਹੀਂ ਲਿਆ: {}";
    says_refused: "The gateway says: refused, {}", "गेटवे कहता है: अस्वीकृत, {}", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: ਇਨਕਾਰ, {}";
    says_given_back: "The gateway says: given back {}", "गेटवे कहता है: {} वापस किए गए", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: {} ਵਾਪਸ ਕੀਤੇ ਗਏ";
    says_returned: "The gateway says: returned, {}", "गेटवे कहता है: लौट आया, {}", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: ਮੁੜ ਆਇਆ, {}";
    payment_not_asked: "The gateway could not be asked about the payment: {}", "गेटवे से भुगतान के बारे में नहीं पूछा जा सका: {}", "ਗੇਟਵੇ ਤੋਂ ਭੁਗਤਾਨ ਬਾਰੇ ਨਹੀਂ ਪੁੱਛਿਆ ਜਾ ਸਕਿਆ: {}";
    refund_not_asked: "The gateway could not be asked about the refund: {}", "गेटवे से धनवापसी के बारे में नहीं पूछा जा सका: {}", "ਗੇਟਵੇ ਤੋਂ ਰਿਫੰਡ ਬਾਰੇ ਨਹੀਂ ਪੁੱਛਿਆ ਜਾ ਸਕਿਆ: {}";
    more_given_back: "The gateway has given back more than the refunds of this service", "गेटवे ने इस सेवा की धनवापसियों से अधिक वापस किया है", "ਗੇਟਵੇ ਨੇ ਇਸ ਸੇਵਾ ਦੇ ਰਿਫੰਡਾਂ ਤੋਂ ਵੱਧ ਵਾਪਸ ਕੀਤਾ ਹੈ";
    given_back_elsewhere: "The gateway says that the money was given back, or charged back", "गेटवे कहता है कि पैसा वापस हुआ, या बैंक ने लौटा लिया", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ ਕਿ ਪੈਸਾ ਵਾਪਸ ਹੋਇਆ, ਜਾਂ ਬੈਂਕ ਨੇ ਮੋੜ ਲਿਆ";
    part_given_back_elsewhere: "The gateway has given back {}, of which {} by refunds of this service", "गेटवे ने {} वापस किए हैं, जिनमें से {} इस सेवा की धनवापसियों से", "ਗੇਟਵੇ ਨੇ {} ਵਾਪਸ ਕੀਤੇ ਹਨ, ਜਿਨ੍ਹਾਂ ਵਿੱਚੋਂ {} ਇਸ ਸੇਵਾ ਦੇ ਰਿਫੰਡਾਂ ਨਾਲ";

    // Outcomes.
    says_pending: "The gateway says: pending", "गेटवे कहता है: लंबित", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: ਬਕਾਇਆ";
    says_authorised: "The gateway says: authorised, not captured", "गेटवे कहता है: अधिकृत, लिया नहीं गया", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: ਅਧਿਕਾਰਤ, ਲਿਆ ਨਹੀਂ ਗਿਆ";
    says_not_found: "The gateway says: not found", "गेटवे कहता है: नहीं मिला", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: ਨਹੀਂ ਮਿਲਿਆ";
    says_refunded: "The gateway says: given back", "गेटवे कहता है: वापस किया गया", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: ਵਾਪਸ ਕੀਤਾ ਗਿਆ";
    says_succeeded: "The gateway says: succeeded", "गेटवे कहता है: सफल", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: ਸਫਲ";
    says_failed: "The gateway says: failed", "गेटवे कहता है: विफल", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: ਅਸਫਲ";
    says_unclear: "The gateway says: unclear", "गेटवे कहता है: अस्पष्ट", "ਗੇਟਵੇ ਕਹਿੰਦਾ ਹੈ: ਅਸਪਸ਼ਟ";
    says_unrecognised: "The gateway says something unknown", "गेटवे का उत्तर अज्ञात है", "ਗੇਟਵੇ ਦਾ ਜਵਾਬ ਅਣਜਾਣ ਹੈ";
    outcome_paid: "paid", "भुगतान हुआ", "ਭੁਗਤਾਨ ਹੋਇਆ";
    outcome_declined: "declined", "अस्वीकृत", "ਰੱਦ";
    outcome_pending: "pending", "लंबित", "ਬਕਾਇਆ";
    outcome_authorised: "authorised, not captured", "अधिकृत, लिया नहीं गया", "ਅਧਿਕਾਰਤ, ਲਿਆ ਨਹੀਂ ਗਿਆ";
    outcome_not_found: "not found", "नहीं मिला", "ਨਹੀਂ ਮਿਲਿਆ";
    outcome_refunded: "given back", "वापस किया गया", "ਵਾਪਸ ਕੀਤਾ ਗਿਆ";
    outcome_unrecognised: "something unknown", "अज्ञात उत्तर", "ਅਣਜਾਣ ਜਵਾਬ";

    // Errors of calls to a gateway.
    unreachable: "the gateway could not be reached", "गेटवे तक पहुँच नहीं हुई", "ਗੇਟਵੇ ਤੱਕ ਪਹੁੰਚ ਨਹੀਂ ਹੋਈ";
    local_fault: "the gateway could not be called for a fault on our side", "हमारी ओर की खराबी से गेटवे को नहीं पुकारा जा सका", "ਸਾਡੇ ਪਾਸੇ ਦੀ ਖਰਾਬੀ ਕਰਕੇ ਗੇਟਵੇ ਨੂੰ ਨਹੀਂ ਪੁਕਾਰਿਆ ਜਾ ਸਕਿਆ";
    unanswered: "the gateway did not answer", "गेटवे ने उत्तर नहीं दिया", "ਗੇਟਵੇ ਨੇ ਜਵਾਬ ਨਹੀਂ ਦਿੱਤਾ";
    unreadable: "the gateway's answer cannot be read, {}", "गेटवे का उत्तर पढ़ा नहीं जा सकता, {}", "ਗੇਟਵੇ ਦਾ ਜਵਾਬ ਪੜ੍ਹਿਆ ਨਹੀਂ ਜਾ ਸਕਦਾ, {}";
    order_refused: "the gateway refused, {}", "गेटवे ने मना किया, {}", "ਗੇਟਵੇ ਨੇ ਇਨਕਾਰ ਕੀਤਾ, {}";
    unavailable: "the gateway is not available at the moment", "गेटवे अभी उपलब्ध नहीं है", "ਗੇਟਵੇ ਹੁਣ ਉਪਲਬਧ ਨਹੀਂ ਹੈ";
    bad_signature: "the signature is wrong", "हस्ताक्षर गलत है", "ਦਸਤਖਤ ਗਲਤ ਹਨ";
    other_transaction: "the answer is not about this payment", "उत्तर इस भुगतान के बारे में नहीं है", "ਜਵਾਬ ਇਸ ਭੁਗਤਾਨ ਬਾਰੇ ਨਹੀਂ ਹੈ";
}
