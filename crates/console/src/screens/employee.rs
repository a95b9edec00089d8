//! Login as an employee of DIGIT: by user name and password, or by an access token.

use payment_digit::Credentials;
use payment_domain::TenantId;
use payment_service::{Employee, EmployeeError, Employees, ProvenLogin};
use payment_store::LoginMethod;
use secrecy::SecretString;

use super::login::{entered, refused, tries};
use crate::context::Context;
use crate::failure::{Failure, LoginFailure, Outcome};

/// `POST /login/employee`
pub(crate) async fn log_in(context: &Context) -> Outcome {
    let employees = context.console().logins.employees.as_ref().ok_or(Failure::NotFound)?;
    tries(context)?;
    let (holder, token) = match proven(context, employees).await {
        Ok(Employee { holder, token }) => (holder, token),
        Err(error) => {
            let (uuid, failure) = told(context, error);
            return Err(refused(context, LoginMethod::Employee, uuid, failure).await);
        }
    };
    let login = ProvenLogin { method: LoginMethod::Employee, holder, attempt: None, kept: Some(token) };
    let sessions = &context.payments().sessions;
    let begun = sessions.log_in(login, context.address, context.caller.as_ref()).await?;
    entered(context, &begun)
}

async fn proven(context: &Context, employees: &Employees) -> Result<Employee, EmployeeError> {
    if let Some(token) = context.form.text("token") {
        return employees.by_token(SecretString::from(token)).await;
    }
    let tenant = context.form.text("tenant").and_then(|tenant| TenantId::new(tenant).ok());
    let (Some(user_name), Some(password), Some(tenant)) =
        (context.form.text("user_name"), context.form.typed("password"), tenant)
    else {
        return Err(EmployeeError::Unknown);
    };
    let password = SecretString::from(password);
    employees.by_password(&Credentials { user_name, password: &password, tenant: &tenant }).await
}

fn told(context: &Context, error: EmployeeError) -> (Option<String>, LoginFailure) {
    match error {
        EmployeeError::Unknown => (None, LoginFailure::Employee),
        EmployeeError::NoRole { uuid, codes } => {
            let failure = LoginFailure::NoRole {
                name: uuid.clone(),
                source: context.language.texts().frame.roles.to_owned(),
                values: codes,
            };
            (Some(uuid), failure)
        }
        EmployeeError::Unavailable(error) => {
            tracing::warn!(request_id = context.request_id, %error, "no employee can log in");
            (None, LoginFailure::DigitUnavailable)
        }
    }
}
