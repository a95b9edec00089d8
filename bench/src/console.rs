//! Every list and search of the console over HTTP, with random filters and numbers, in a database of years.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::Options;
use crate::console_data::{self, PREFIX};
use crate::database::Database;
use crate::fill::{self, SPAN_MS};
use crate::history::settled_payment;
use crate::load::{Connection, Figures, Response};
use crate::report::{Line, Report, progress};
use crate::service::{self, Launch, Service};
use crate::variety::{RARE, TENANTS, mobile_of, rupees_of, tenant_of};

const LONGEST: Duration = Duration::from_millis(50);
pub(crate) const CONSOLE: &str = "/pg-service/console";
/// Requests that warm a view up.
const WARM: usize = 20;
const DAY_MS: u64 = 86_400_000;
const INDIA_MS: u64 = 19_800_000;

/// The size of the database, and the load.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConsoleOptions {
    /// How many settled payments are filled in [default: 10000000, or 1000000 in SQLite]; ten million take half an
    /// hour and 40 GB
    #[arg(long)]
    rows: Option<u64>,
    /// In the embedded database
    #[arg(long)]
    sqlite: bool,
    /// In this database, which stays: the rows are filled in where there are none [default: a server of its own]
    #[arg(long, value_name = "URL", conflicts_with = "sqlite")]
    database: Option<String>,
    /// Operators at work at a time
    #[arg(long, default_value_t = 2)]
    operators: usize,
    /// Requests of each view
    #[arg(long, default_value_t = 400)]
    asks: usize,
}

/// The state of the payments in the database.
#[derive(Debug, Clone, Copy)]
struct Scale {
    rows: u64,
    /// The moment of the newest one.
    newest_ms: u64,
}

/// A random number of a request, from which its filters are made.
type Dice = u64;

enum Ask {
    Get(String),
    /// Words in the search box, and the page that they lead to.
    Find(String),
}

struct View {
    name: &'static str,
    ask: fn(&Scale, Dice) -> Ask,
    /// Whether each answer has something.
    finds: bool,
}

impl Scale {
    fn payment(&self, dice: Dice) -> u64 {
        dice % self.rows + 1
    }

    /// The day on which a payment was created, in India.
    fn day(&self, payment: u64) -> String {
        let step = SPAN_MS / self.rows.max(1);
        let at = self.newest_ms.saturating_sub((self.rows - payment).saturating_mul(step));
        day((at + INDIA_MS) / DAY_MS)
    }
}

/// `2026-11-30` of the days since 1970.
fn day(days: u64) -> String {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let date = of_year - (153 * month_from_march + 2) / 5 + 1;
    format!("{:04}-{month:02}-{date:02}", year_of_era + era * 400 + u64::from(month <= 2))
}

/// A number that looks random, the same each time.
fn dice(seed: u64) -> Dice {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) >> 1
}

macro_rules! views {
    ($($name:literal $finds:literal |$scale:pat_param, $dice:pat_param| $ask:expr;)*) => {
        &[$(View { name: $name, finds: $finds, ask: |$scale, $dice| $ask },)*]
    };
}

fn get(path: impl Into<String>) -> Ask {
    Ask::Get(path.into())
}

fn pick<'a>(from: &[&'a str], dice: Dice) -> &'a str {
    from.get(usize::try_from(dice % 97).unwrap_or_default() % from.len().max(1)).copied().unwrap_or_default()
}

const VIEWS: &[View] = views! {
    "Today, and thirty days of it" true |_, d| get(pick(&["/", "/?period=30-days"], d));
    "gateways" true |_, _| get("/gateways");
    "payments, newest" true |_, _| get("/payments");
    "payments, a page anywhere" true |s, d| get(format!("/payments?after={PREFIX}{}", s.payment(d)));
    "payments of a tenant" true |s, d| get(format!("/payments?tenant=pb.t{}", tenant_of(s.payment(d))));
    "payments by status" true |_, d| get(format!("/payments?status={}", pick(&["PENDING", "SUCCESS", "FAILURE"], d)));
    "payments by gateway" true |_, d| get(format!("/payments?gateway={}", pick(&["PAYTM", "AXIS", "PAYU"], d)));
    "payments by a rare gateway" false |_, _| get(format!("/payments?gateway={RARE}"));
    "payments by a rare service, a day" false |s, d| get(format!("/payments?service={RARE}&to={}", s.day(s.payment(d))));
    "payments by an amount" false |s, d| {
        let rupees = rupees_of(s.payment(d));
        get(format!("/payments?amount_from={rupees}&amount_to={rupees}"))
    };
    "payments of days" true |s, d| {
        let on = s.day(s.payment(d));
        get(format!("/payments?from={on}&to={on}"))
    };
    "payments paid, without a receipt" false |_, d| get(pick(&["/payments?receipt=pending", "/payments?receipt=pending&gateway=AXIS"], d));
    "payments pending for long" false |_, d| get(format!("/payments?pending_for={}", pick(&["1h", "1d", "7d", "30d"], d)));
    "payments by several filters" false |s, d| {
        let n = s.payment(d);
        get(format!(
            "/payments?tenant=pb.t{}&status={}&gateway={}&service={}&from={}&amount_from=5000",
            d % TENANTS, pick(&["PENDING", "SUCCESS", "FAILURE"], d), pick(&["PAYTM", "AXIS", RARE], d / 3),
            pick(&["PT", "TL", "WS"], d / 9), s.day(n)
        ))
    };
    "search by id, with slips" true |s, d| Ask::Find(format!(" {}{} ", PREFIX.to_lowercase(), s.payment(d)));
    "search by bill" true |s, d| Ask::Find(format!("{PREFIX}B-{}", s.payment(d)));
    "search by consumer code" true |s, d| Ask::Find(format!("pt-{}", s.payment(d) % 1_000_000));
    "search by receipt" false |s, d| Ask::Find(format!("{PREFIX}R-{}", s.payment(d)));
    "search by gateway's number" true |s, d| Ask::Find(format!("PAY_{}XY", s.payment(d)));
    "search by bank's number" true |s, d| Ask::Find(format!("hdfc{}r", s.payment(d)));
    "search by mobile number" true |s, d| Ask::Find(format!("+91 {}", mobile_of(s.payment(d))));
    "search by refund" true |s, d| Ask::Find(format!("{}{}", pick(&["RF-", "rfnd_"], d), (s.payment(d) / 100).max(1)));
    "search that finds nothing" false |_, d| Ask::Find(format!("NONE-{d}"));
    "refunds, newest" true |_, _| get("/refunds");
    "refunds by filters" false |_, d| get(format!(
        "/refunds?status={}&gateway={}&amount_from={}",
        pick(&["REQUESTED", "SUCCEEDED", "REJECTED", "SENT"], d), pick(&["PAYTM", "AXIS", RARE], d / 5), d % 90
    ));
    "refunds of a tenant, to decide" false |s, d| get(format!("/refunds?view=decide&tenant=pb.t{}", tenant_of(s.payment(d))));
    "review cases, open" true |_, _| get("/attention");
    "review cases by filters" false |s, d| get(format!(
        "/attention?state={}&kind={}&tenant=pb.t{}&older={}",
        pick(&["open", "all", "resolved"], d), pick(&["late-success", "receipt-refused", "not-captured"], d / 3),
        tenant_of(s.payment(d)), pick(&["1h", "1d", "30d"], d / 7)
    ));
    "events that wait" false |_, d| get(pick(&["/events", "/events?topic=update-pg-txns", "/events?state=dead"], d));
    "events published" true |_, d| get(pick(&["/events?state=published", "/events?state=all&topic=save-pg-txns"], d));
    "audit log, newest" true |_, _| get("/audit");
    "audit log by filters" false |s, d| get(format!(
        "/audit?action={}&actor=u-{}&from={}",
        pick(&["refused", "logged-in", "revealed"], d), d % 200, s.day(s.payment(d))
    ));
};

/// Measures each view.
pub(crate) async fn run(options: &Options, console: &ConsoleOptions) -> Result<Report> {
    let binary = service::binary(options).await?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("service");
    let file = data.join("payments.db");
    let rows = console.rows.unwrap_or(if console.sqlite { 1_000_000 } else { 10_000_000 });
    ensure!(rows >= 1_000, "fewer payments are no history");
    let database = match &console.database {
        _ if console.sqlite => None,
        Some(url) => Some(Database::at(url.clone()).await?),
        None => Some(Database::start().await?),
    };
    let launch = match &database {
        Some(database) => database.launch(&binary, &data),
        None => Launch::plain(&binary, &data),
    };
    let launch = launch.set("console.enabled", true);
    let started = Instant::now();
    match &database {
        Some(database) if console_data::is_filled(database, rows).await? => {}
        Some(database) => {
            fill::refuse_without_room(database, rows).await?;
            let template = settled_payment(&launch, options).await?;
            console_data::fill_postgres(database, template, rows).await?;
        }
        None => {
            let (file, template) = (file.clone(), settled_payment(&launch, options).await?);
            tokio::task::spawn_blocking(move || console_data::fill_sqlite(&file, &template, rows)).await??;
        }
    }
    let filled = started.elapsed();
    let service = Service::start(&launch).await?;
    let started = Instant::now();
    match &database {
        Some(database) => database.wait_for_figures().await?,
        None => tokio::task::spawn_blocking(move || console_data::wait_for_figures(&file)).await??,
    }
    let counted = started.elapsed();
    let scale = Scale { rows, newest_ms: u64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_millis())? };
    let mut lines = Vec::new();
    for (of, tenant, views) in [("a state", "pb", VIEWS), ("a city", "pb.t60", CITY)] {
        let browser = Arc::new(Browser::enter(&launch, &service, tenant).await?);
        for view in views {
            progress(&format!("{of}: {}", view.name));
            let figures = measure(&service, &browser, view, scale, console).await?;
            lines.push(Line::of(view.name, &figures).within(LONGEST, "p99 ≤ 1.00 of 50 ms"));
        }
    }
    service.stop().await?;
    let settings = match &database {
        Some(database) => database.settings().await?,
        None => "SQLite".to_owned(),
    };
    Ok(Report {
        lines,
        facts: vec![
            ("payments", rows.to_string()),
            ("filled in, counted", format!("{} s, {} s", filled.as_secs(), counted.as_secs())),
            ("operators, requests a view", format!("{}, {}", console.operators, console.asks)),
            ("database", settings),
        ],
    })
}

/// The views of an operator of one small tenant.
const CITY: &[View] = views! {
    "a city's payments, newest" true |_, _| get("/payments");
    "a city's payments by gateway" true |_, d| get(format!("/payments?gateway={}", pick(&["PAYTM", "AXIS", "PAYU"], d)));
    "a city's payments by a rare gateway" false |_, _| get(format!("/payments?gateway={RARE}"));
    "a city's payments, without a receipt" false |_, _| get("/payments?receipt=pending");
    "a city's refunds" false |_, _| get("/refunds");
    "a city's review cases" false |_, _| get("/attention?state=all");
};

/// An operator's session.
pub(crate) struct Browser {
    pub(crate) cookie: String,
    pub(crate) token: String,
}

impl Browser {
    /// Enters by a one-time link.
    pub(crate) async fn enter(launch: &Launch, service: &Service, tenant: &str) -> Result<Browser> {
        let mut arguments = vec!["console", "login", "--tenant", tenant, "--name", "Bench"];
        let roles: &[&str] = match tenant {
            "pb" => &["PG_VIEWER", "PG_OPERATOR", "PG_AUDITOR"],
            _ => &["PG_VIEWER"],
        };
        arguments.extend(roles.iter().flat_map(|role| ["--role", *role]));
        let printed = launch.command(&arguments, "").await?;
        let secret = printed.split_whitespace().find_map(|word| word.split_once("/login/link/"));
        let (_, secret) = secret.with_context(|| format!("no link in: {printed}"))?;
        let mut connection = Connection::open(&service.address).await?;
        let form = format!("link={secret}");
        let entered = connection.exchange(&form_post("/login/link", "", &form)).await?;
        ensure!(entered.status == 303, "the link is answered with {}", entered.status);
        let cookie = entered.cookie.context("a login without a cookie")?;
        let page = connection.exchange(&page_get("/payments", &cookie)).await?;
        let page = String::from_utf8(page.body)?;
        let token =
            page.split_once("name=\"form_token\" value=\"").and_then(|(_, rest)| rest.split('"').next());
        let token = token.context("a page without a token")?.to_owned();
        Ok(Browser { cookie, token })
    }

    /// The page, after the form where there is one.
    async fn answer(&self, connection: &mut Connection, ask: &Ask) -> Result<Response> {
        let path = match ask {
            Ask::Get(path) => path.clone(),
            Ask::Find(words) => {
                let words = words.replace('+', "%2B").replace(' ', "+");
                let form = format!("form_token={}&q={words}", self.token);
                let found = connection.exchange(&form_post("/payments/find", &self.cookie, &form)).await?;
                ensure!(found.status == 303, "a search is answered with {}", found.status);
                let location = found.location.context("a search that leads nowhere")?;
                location.strip_prefix(CONSOLE).context("a search that leads elsewhere")?.to_owned()
            }
        };
        connection.exchange(&page_get(&path, &self.cookie)).await
    }
}

pub(crate) fn page_get(path: &str, cookie: &str) -> Vec<u8> {
    format!("GET {CONSOLE}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n").into_bytes()
}

fn form_post(path: &str, cookie: &str, form: &str) -> Vec<u8> {
    format!(
        "POST {CONSOLE}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\nCookie: {cookie}\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

/// Asks for a view again and again, each time with other filters.
async fn measure(
    service: &Service,
    browser: &Arc<Browser>,
    view: &'static View,
    scale: Scale,
    options: &ConsoleOptions,
) -> Result<Figures> {
    let next = Arc::new(AtomicUsize::new(0));
    let asks = options.asks;
    let started = Instant::now();
    let mut workers = Vec::new();
    for _ in 0..options.operators.max(1) {
        let mut connection = Connection::open(&service.address).await?;
        let (browser, next) = (browser.clone(), next.clone());
        workers.push(tokio::spawn(async move {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= asks + WARM {
                    return anyhow::Ok(times);
                }
                let ask = (view.ask)(&scale, dice(u64::try_from(number)?));
                let sent = Instant::now();
                let answer = browser.answer(&mut connection, &ask).await?;
                if number >= WARM {
                    times.push(sent.elapsed());
                }
                check(view, &ask, &answer)?;
            }
        }));
    }
    let mut times = Vec::new();
    for worker in workers {
        times.extend(worker.await??);
    }
    times.sort();
    Ok(Figures { requests: times.len(), elapsed: started.elapsed(), times, kept: Vec::new(), cpu: None })
}

/// A list, or the redirect to the one payment that was found.
fn check(view: &View, ask: &Ask, answer: &Response) -> Result<()> {
    let asked = match ask {
        Ask::Get(path) => path,
        Ask::Find(words) => words,
    };
    let body = String::from_utf8_lossy(&answer.body);
    let found = match answer.status {
        303 => answer.location.as_ref().is_some_and(|to| to.contains("/payments/")),
        200 => body.contains("<tbody>"),
        status => bail!("{}: {asked} is answered with {status}: {body}", view.name),
    };
    ensure!(found || !view.finds, "{}: {asked} finds nothing", view.name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, text) in [(0, "1970-01-01"), (11_016, "2000-02-29"), (20_787, "2026-11-30")] {
            assert_eq!(day(days), text);
        }
    }
}
