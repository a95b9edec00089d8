//! The context path: the common prefix of the service's paths.

/// `/pg-service`, or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextPath(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a context path has segments of letters, digits and -._~, separated by single slashes: /pg-service")]
pub struct InvalidContextPath;

impl ContextPath {
    /// Slashes at the ends are ignored; an empty text and `/` mean no context path.
    ///
    /// # Errors
    /// [`InvalidContextPath`] for characters that a URL would have to encode.
    pub fn new(text: &str) -> Result<ContextPath, InvalidContextPath> {
        let path = text.trim_matches('/');
        if path.is_empty() {
            return Ok(ContextPath(String::new()));
        }
        let plain = |char: char| char.is_ascii_alphanumeric() || "-._~".contains(char);
        let valid = path.split('/').all(|segment| !segment.is_empty() && segment.chars().all(plain));
        if valid { Ok(ContextPath(format!("/{path}"))) } else { Err(InvalidContextPath) }
    }

    /// Without a slash at the end; empty when there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full path of an endpoint; `path` begins with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl Default for ContextPath {
    fn default() -> ContextPath {
        ContextPath("/pg-service".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_ends_do_not_matter() {
        for text in ["/pg-service", "pg-service", "pg-service/", "//pg-service//"] {
            assert_eq!(ContextPath::new(text), Ok(ContextPath::default()), "{text}");
        }
        assert_eq!(ContextPath::new("/").unwrap().join("/health"), "/health");
        assert_eq!(ContextPath::new("/a/b").unwrap().join("/health"), "/a/b/health");
    }

    #[test]
    fn an_invalid_route_is_refused() {
        for text in ["/a b", "/{x}", "/a//b", "/a?b", "/ä"] {
            assert_eq!(ContextPath::new(text), Err(InvalidContextPath), "{text}");
        }
    }
}
