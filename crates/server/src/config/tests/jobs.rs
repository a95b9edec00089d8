//! Reconciliation, the scheduler, operators.

use payment_domain::GatewayName;

use super::*;

#[test]
fn jobs_run_by_themselves_as_the_original_meant_them_to() {
    let config = Given::default().config();
    let scheduler = &config.scheduler;
    assert_eq!((scheduler.lease.as_secs(), scheduler.daily_cron.as_str()), (15, "0 0 0,12 * * *"));
    let distances: Vec<u64> = scheduler.follow_ups.iter().map(|distance| distance.as_secs() / 60).collect();
    assert_eq!(distances, [30, 60, 120, 360]);
    assert_eq!(scheduler.history_life.as_secs(), 30 * 86_400);
    assert!(scheduler.node_name.ends_with(&format!("-{}", std::process::id())), "{}", scheduler.node_name);
    assert_eq!(config.payments.early_interval.as_secs(), 900);
    let reconciliation = &config.reconciliation;
    assert_eq!(reconciliation.ask_after.unwrap().as_secs(), 60);
    let payu = GatewayName::new("PAYU");
    assert_eq!((reconciliation.calls_at_once.of(&payu), reconciliation.calls_per_second.of(&payu)), (16, 0));
    assert_eq!((config.keep.events.as_secs(), config.keep.callbacks.as_secs()), (30 * 86_400, 90 * 86_400));
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
    let life = |name| config.scheduler.order_life.of(&GatewayName::new(name)).unwrap().as_secs() / 60;
    assert_eq!(
        [life("PAYU"), life("CITY-PAY"), life("SANDBOX"), life("OTHER"), life("AXIS")],
        [30, 10, 5, 7, 60]
    );
    let reconciliation = &config.reconciliation;
    let limits = |name| {
        let name = GatewayName::new(name);
        (reconciliation.calls_at_once.of(&name), reconciliation.calls_per_second.of(&name))
    };
    assert_eq!(limits("PAYU"), (64, 5), "never more than gateways.calls-at-once");
    assert_eq!((limits("CITY-PAY"), limits("AXIS")), ((2, 50), (64, 50)));
}

#[test]
fn schedules_that_cannot_be_are_told_with_their_place_and_a_way_out() {
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
    assert_eq!(config.scheduler.follow_ups.len(), 2);
    assert_eq!(config.scheduler.daily_cron, "30 2 * * MON-FRI");
    assert_eq!(config.scheduler.time_zone.iana_name(), Some("UTC"));
    assert_eq!((config.scheduler.node_name.as_str(), config.reconciliation.ask_after), ("n1", None));
}

#[test]
fn operators_present_something_nobody_guesses() {
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
