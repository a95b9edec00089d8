//! Reconciliation, the scheduler, operators.

use payment_domain::GatewayName;
use payment_service::Pace;

use super::*;

#[test]
fn jobs_run_by_themselves_as_the_original_meant_them_to() {
    let config = Given::default().config();
    let (jobs, settings) = (&config.jobs, &config.settings);
    assert_eq!((jobs.lease.as_secs(), jobs.daily_cron.as_str()), (15, "0 0 0,12 * * *"));
    let distances = jobs.reconciliation.distances.iter();
    let distances: Vec<u64> = distances.map(|distance| distance.as_secs() / 60).collect();
    assert_eq!(distances, [30, 60, 120, 360]);
    assert_eq!(jobs.housekeeping.job_runs.as_secs(), 30 * 86_400);
    assert!(jobs.node_name.ends_with(&format!("-{}", std::process::id())), "{}", jobs.node_name);
    assert_eq!(settings.early_interval.as_secs(), 900);
    assert_eq!(settings.ask_after.unwrap().as_secs(), 60);
    assert_eq!(settings.pace.of_others, Pace { at_once: 16, per_second: None });
    assert!(settings.pace.own.is_empty() && settings.order_life_of.is_empty());
    let kept = (jobs.housekeeping.published_events.as_secs(), jobs.housekeeping.callbacks.as_secs());
    assert_eq!(kept, (30 * 86_400, 90 * 86_400));
}

#[test]
fn a_gateway_may_have_limits_of_its_own() {
    let given = Given {
        toml: Some(concat!(
            "[order]\nlife-mins = 60\n[payu]\norder.life-mins = 30\nreconciliation.calls-per-second = 5\n",
            "[remote.city-pay]\norder.life-mins = 10\nreconciliation.calls-at-once = 2\n",
            "[reconciliation]\ncalls-at-once = 1000\ncalls-per-second = 50\n",
        )),
        environment: &[
            ("PG_SERVICE_SANDBOX_ORDER_LIFE_MINS", "5"),
            ("SANDBOX_ACTIVE", "true"),
            ("PG_SERVICE_REMOTE_OTHER_ORDER_LIFE_MINS", "7"),
        ],
        ..Given::default()
    };
    assert!(given.load().notices.is_empty(), "{:?}", given.load().notices);
    let config = given.config();
    let settings = &config.settings;
    let life = |name| settings.order_life_of[&GatewayName::new(name)].as_secs() / 60;
    assert_eq!([life("PAYU"), life("CITY-PAY"), life("SANDBOX"), life("OTHER")], [30, 10, 5, 7]);
    assert_eq!(settings.order_life.unwrap().as_secs(), 3600);
    let pace = |at_once, per_second| Pace { at_once, per_second: Some(per_second) };
    let own = |name| settings.pace.own[&GatewayName::new(name)];
    assert_eq!(own("PAYU"), pace(64, 5), "never more than gateways.calls-at-once");
    assert_eq!((own("CITY-PAY"), settings.pace.of_others), (pace(2, 50), pace(64, 50)));
    assert!(!settings.pace.own.contains_key(&GatewayName::new("AXIS")));
}

#[test]
fn impossible_schedules_are_reported_with_their_place_and_a_remedy() {
    let given = Given {
        toml: Some(concat!(
            "[reconciliation]\nfollow-ups = \"2h,1h\"\ndaily-cron = \"0 0 6 ? * 2\"\n",
            "[scheduler]\nlease-ms = 10\n",
        )),
        environment: &[("PG_SERVICE_TIME_ZONE", "Mars/Olympus")],
        ..Given::default()
    };
    let problems = given.problems();
    for (told, place) in [
        ("reconciliation.follow-ups: must grow", "x.toml:2"),
        ("reconciliation.daily-cron: has days of the week as numbers", "x.toml:3"),
        ("scheduler.lease-ms: 10 is too small", "x.toml:5"),
        ("time-zone: `Mars/Olympus` is not a time zone", "environment PG_SERVICE_TIME_ZONE"),
    ] {
        assert!(problems.iter().any(|p| p.starts_with(told) && p.contains(place)), "{told}: {problems:#?}");
    }
    assert!(problems.len() == 4 && problems.iter().all(|p| p.contains("to fix:")), "{problems:#?}");
}

#[test]
fn distances_may_be_a_list_and_the_daily_job_has_a_time_zone() {
    let given = Given {
        toml: Some(concat!(
            "time-zone = \"UTC\"\n[reconciliation]\nfollow-ups = [\"5m\", \"1d\"]\n",
            "daily-cron = \"30 2 * * MON-FRI\"\nask-after-secs = 0\n[scheduler]\nnode-name = \"n1\"\n",
        )),
        ..Given::default()
    };
    let config = given.config();
    assert_eq!(config.jobs.reconciliation.distances.len(), 2);
    assert_eq!(config.jobs.daily_cron, "30 2 * * MON-FRI");
    assert_eq!(config.settings.time_zone.iana_name(), Some("UTC"));
    assert_eq!((config.jobs.node_name.as_str(), config.settings.ask_after), ("n1", None));
}

#[test]
fn operators_need_a_strong_token() {
    for weak in ["hush", "hush hush hush hush hush hush"] {
        let sources = Sources {
            environment: vec![("PG_SERVICE_OPERATORS_TOKEN".to_owned(), weak.to_owned())],
            ..Sources::default()
        };
        let problem = load(&sources).problems[0].to_string();
        assert!(problem.contains("at least 24") && !problem.contains("hush"), "{problem}");
    }
    let strong = Given {
        environment: &[("PG_SERVICE_OPERATORS_TOKEN", "0123456789abcdef0123456789abcdef")],
        ..Given::default()
    };
    assert!(strong.config().operators_token.is_some());
}
