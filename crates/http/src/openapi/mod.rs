//! Parts of the OpenAPI document that endpoints share.

pub(crate) mod failures;
mod request_info;
#[cfg(test)]
mod tests;

pub(crate) use request_info::RequestInfoSchema;
