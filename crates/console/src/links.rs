//! Addresses of pages: a path and the parameters that are set.

/// A path below the console's with parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Link {
    path: String,
    parameters: Vec<(&'static str, String)>,
}

impl Link {
    /// `path` is the full one.
    pub(crate) fn to(path: String) -> Link {
        Link { path, parameters: Vec::new() }
    }

    /// The same parameters at another path.
    pub(crate) fn at(&self, path: String) -> Link {
        Link { path, parameters: self.parameters.clone() }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Link {
        self.parameters.retain(|(known, _)| *known != name);
        self.parameters.push((name, value.into()));
        self
    }

    /// Those that are set.
    #[must_use]
    pub(crate) fn with_all<'a>(
        self,
        parameters: impl IntoIterator<Item = (&'static str, Option<&'a str>)>,
    ) -> Link {
        parameters.into_iter().fold(self, |link, (name, value)| match value {
            Some(value) => link.with(name, value),
            None => link,
        })
    }

    #[must_use]
    pub(crate) fn without(mut self, name: &str) -> Link {
        self.parameters.retain(|(known, _)| *known != name);
        self
    }

    pub(crate) fn href(&self) -> String {
        if self.parameters.is_empty() {
            return self.path.clone();
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.parameters);
        format!("{}?{}", self.path, query.finish())
    }
}

/// A segment of a path, encoded: ids are texts of others.
pub(crate) fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
