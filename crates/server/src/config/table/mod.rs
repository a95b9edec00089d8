//! Every setting there is, in one table: it drives parsing, `check-config`, the suggestions for
//! misspelled names and `docs/configuration.md`.

mod digit;
mod gateways;
mod service;

use crate::config::setting::Setting;

/// Settings that belong together.
pub struct Section {
    /// What they are about.
    pub title: &'static str,
    /// The settings.
    pub settings: &'static [Setting],
}

/// All settings, in the order in which people read them.
pub const SECTIONS: &[Section] = &[
    Section { title: "Server", settings: service::SERVER },
    Section { title: "Payments", settings: service::PAYMENTS },
    Section { title: "Limits", settings: service::LIMITS },
    Section { title: "Sandbox gateway", settings: gateways::SANDBOX },
    Section { title: "AXIS", settings: gateways::AXIS },
    Section { title: "PAYTM", settings: gateways::PAYTM },
    Section { title: "PHONEPE", settings: gateways::PHONEPE },
    Section { title: "PAYU", settings: gateways::PAYU },
    Section { title: "Remote gateways", settings: gateways::REMOTE },
    Section { title: "Stand-ins for DIGIT's services", settings: digit::STAND_INS },
    Section { title: "Services of DIGIT", settings: digit::SERVICES },
    Section { title: "Database", settings: digit::DATABASE },
    Section { title: "Events", settings: digit::EVENTS },
    Section { title: "Notifications", settings: digit::NOTIFICATIONS },
    Section { title: "Known to Spring", settings: digit::SPRING },
];

/// All settings.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

/// The setting that a name belongs to: one of exactly that name before one that stands for many.
pub fn find(name: &str) -> Option<&'static Setting> {
    all()
        .find(|setting| setting.key == name || setting.alias == Some(name))
        .or_else(|| all().find(|setting| setting.covers(name)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::config::setting::{Shape, Standing};

    #[test]
    fn no_two_settings_share_a_name_or_a_variable() {
        let mut names = HashSet::new();
        for setting in all() {
            for name in [Some(setting.key), setting.alias].into_iter().flatten() {
                assert!(names.insert(name.to_owned()), "{name} is there twice");
            }
            for variable in setting.variables() {
                assert!(names.insert(variable.clone()), "{variable} is there twice");
            }
        }
    }

    #[test]
    fn every_setting_is_described_by_a_sentence() {
        for setting in all() {
            assert!(setting.doc.ends_with('.'), "{}", setting.key);
            if let Standing::Idle(why) | Standing::Refused(why) = setting.standing {
                assert!(!why.is_empty() && !why.ends_with('.'), "{}: {why}", setting.key);
            }
        }
    }

    #[test]
    fn an_exact_name_counts_before_a_beginning() {
        assert_eq!(find("spring.datasource.url").unwrap().shape, Shape::Single);
        assert_eq!(find("spring.jpa.show-sql").unwrap().shape, Shape::Below);
        assert_eq!(find("server.servlet.context-path").unwrap().key, "server.context-path");
        assert!(find("servr.port").is_none());
    }
}
