//! The addresses of the pretend services.

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// egov-idgen: numbers.
    Ids,
    /// collection-services: whether a payment could be registered.
    ValidatePayment,
    /// collection-services: registers a payment.
    CreatePayment,
    /// collection-services: payments that are registered.
    SearchPayments,
    /// collection-services: cancels the receipts of a payment.
    CancelPayment,
    /// egov-user: users by name and number.
    SearchUsers,
    /// egov-user: a new user.
    CreateUser,
    /// egov-user: the user of an access token.
    UserDetails,
    /// egov-user: an access token for a name and password.
    LogIn,
    /// egf-master: the bank accounts of a tenant.
    BankAccounts,
    /// billing-service: bills.
    Bills,
    /// egov-localization: texts.
    Messages,
    /// egov-url-shortening: short links.
    Links,
}

impl Endpoint {
    pub const ALL: [Endpoint; 13] = [
        Endpoint::Ids,
        Endpoint::ValidatePayment,
        Endpoint::CreatePayment,
        Endpoint::SearchPayments,
        Endpoint::CancelPayment,
        Endpoint::SearchUsers,
        Endpoint::CreateUser,
        Endpoint::UserDetails,
        Endpoint::LogIn,
        Endpoint::BankAccounts,
        Endpoint::Bills,
        Endpoint::Messages,
        Endpoint::Links,
    ];

    /// Its path, as it is in DIGIT; a word in braces is a placeholder.
    pub fn path(self) -> &'static str {
        match self {
            Endpoint::Ids => "/egov-idgen/id/_generate",
            Endpoint::ValidatePayment => "/collection-services/payments/_validate",
            Endpoint::CreatePayment => "/collection-services/payments/_create",
            Endpoint::SearchPayments => "/collection-services/payments/_search",
            Endpoint::CancelPayment => "/collection-services/payments/{businessService}/_workflow",
            Endpoint::SearchUsers => "/user/_search",
            Endpoint::CreateUser => "/user/users/_createnovalidate",
            Endpoint::UserDetails => "/user/_details",
            Endpoint::LogIn => "/user/oauth/token",
            Endpoint::BankAccounts => "/egf-master/bankaccounts/_search",
            Endpoint::Bills => "/billing-service/bill/v2/_search",
            Endpoint::Messages => "/localization/messages/v1/_search",
            Endpoint::Links => "/egov-url-shortening/shortener",
        }
    }

    /// The member of its answer that holds the list; `None` for those that answer with
    /// one object or in plain text.
    pub(crate) fn list(self) -> Option<&'static str> {
        match self {
            Endpoint::Ids => Some("idResponses"),
            Endpoint::ValidatePayment
            | Endpoint::CreatePayment
            | Endpoint::SearchPayments
            | Endpoint::CancelPayment => Some("Payments"),
            Endpoint::SearchUsers | Endpoint::CreateUser => Some("user"),
            Endpoint::BankAccounts => Some("bankAccounts"),
            Endpoint::Bills => Some("Bill"),
            Endpoint::Messages => Some("messages"),
            Endpoint::UserDetails | Endpoint::LogIn | Endpoint::Links => None,
        }
    }
}
