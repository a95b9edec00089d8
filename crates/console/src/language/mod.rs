//! The languages of the console.

mod texts;

use http::{HeaderMap, header};

use crate::cookies;
pub(crate) use texts::Texts;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Hindi,
    Punjabi,
}

impl Language {
    pub(crate) const ALL: [Language; 3] = [Language::English, Language::Hindi, Language::Punjabi];

    /// As in `lang`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Hindi => "hi",
            Language::Punjabi => "pa",
        }
    }

    /// In itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Hindi => "हिन्दी",
            Language::Punjabi => "ਪੰਜਾਬੀ",
        }
    }

    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Language::English => &texts::ENGLISH,
            Language::Hindi => &texts::HINDI,
            Language::Punjabi => &texts::PUNJABI,
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The one chosen before, else the first that the browser names and there is.
    pub(crate) fn of(headers: &HeaderMap) -> Language {
        if let Some(chosen) = cookies::cookie(headers, cookies::LANGUAGE).and_then(Language::from_code) {
            return chosen;
        }
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut tags = wanted.unwrap_or_default().split(',').filter_map(|tag| tag.trim().get(..2));
        tags.find_map(Language::from_code).unwrap_or(Language::English)
    }
}

/// A text with its places, `{}`, filled in their order.
pub(crate) fn fill<const N: usize>(text: &str, values: [&str; N]) -> String {
    let mut pieces = text.split("{}");
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    let mut values = values.into_iter();
    for piece in pieces {
        filled.push_str(values.next().unwrap_or_default());
        filled.push_str(piece);
    }
    filled
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_text_is_in_its_script_and_has_the_same_places() {
        let scripts = [(Language::Hindi, '\u{900}'..='\u{97f}'), (Language::Punjabi, '\u{a00}'..='\u{a7f}')];
        let english = Language::English.texts().all();
        for (language, script) in scripts {
            for ((key, text), (_, original)) in language.texts().all().into_iter().zip(&english) {
                assert!(text.chars().any(|char| script.contains(&char)), "{key}: {text}");
                assert_eq!(text.matches("{}").count(), original.matches("{}").count(), "{key}");
            }
        }
        assert!(english.iter().all(|(_, text)| text.is_ascii() && !text.is_empty()));
    }

    #[test]
    fn the_language_is_the_one_chosen_before_else_the_browsers() {
        for (accepted, cookie, chosen) in [
            ("", "", "en"),
            ("fr-FR, hi;q=0.8, en;q=0.5", "", "hi"),
            ("pa-IN", "", "pa"),
            ("pa-IN", "pg_language=en", "en"),
            ("ਪੰ, hi", "pg_language=xx", "en"),
            ("xx, hi", "pg_language=xx", "hi"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_bytes(accepted.as_bytes()).unwrap());
            headers.insert(header::COOKIE, HeaderValue::from_static(cookie));
            assert_eq!(Language::of(&headers).code(), chosen, "{accepted} {cookie}");
        }
    }

    #[test]
    fn places_are_filled_in_order_and_values_are_no_places() {
        assert_eq!(fill("{} of {}", ["{}", "2"]), "{} of 2");
    }
}
