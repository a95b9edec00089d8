//! "Did you mean …": the known name closest to one that is not known.

/// How alike two names must be to be offered, 1 being the same.
const ALIKE: f64 = 0.8;

/// The least similarity of two names when one is reported only because of the other: two letters in twenty.
const ALL_BUT_THE_SAME: f64 = 0.9;

/// The known name that is most like `name`, if any is like it at all.
pub(super) fn closest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    most_alike(name, known, ALIKE)
}

/// The known name that `name` is a slip of, if there hardly is a doubt about it.
pub(super) fn all_but_the_same(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    most_alike(name, known, ALL_BUT_THE_SAME)
}

fn most_alike(name: &str, known: impl Iterator<Item = String>, alike: f64) -> Option<String> {
    known
        .map(|candidate| (strsim::normalized_damerau_levenshtein(name, &candidate), candidate))
        .filter(|(likeness, _)| *likeness >= alike)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// The notice about an unknown name.
pub(super) fn unknown(closest: Option<String>) -> String {
    match closest {
        Some(closest) => format!("there is no such setting; did you mean {closest}?"),
        None => "there is no such setting, it has no effect".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_a_stranger_is_not() {
        let known = || ["server.port", "data.dir", "axis.merchant.secret.key"].map(str::to_owned).into_iter();
        assert_eq!(closest("sever.port", known()).as_deref(), Some("server.port"));
        assert_eq!(closest("axis.mechant.secretkey", known()).as_deref(), Some("axis.merchant.secret.key"));
        assert_eq!(closest("spring.jpa", known()), None);
        assert_eq!(all_but_the_same("sever.port", known()).as_deref(), Some("server.port"));
        assert_eq!(all_but_the_same("serve.ports", known()), None);
    }
}
