//! The settings of the service itself.

use crate::config::setting::{Kind, Setting};

const SOME: Kind = Kind::Number { min: 1, max: 1 << 30 };
const SECONDS: Kind = Kind::Number { min: 1, max: 3_600 };

/// Where it listens, where it keeps its data, what it tells.
pub(super) const SERVER: &[Setting] = &[
    Setting::digit(
        "server.address",
        Kind::Address,
        "The address to listen on. `0.0.0.0` listens on every interface.",
    )
    .or("127.0.0.1"),
    Setting::digit(
        "server.port",
        Kind::Number { min: 0, max: 65_535 },
        "The port to listen on; 0 takes a free one, which the start-up lines name.",
    )
    .or("9000"),
    Setting::digit(
        "server.context-path",
        Kind::Text,
        "The path below which everything is served.",
    )
    .also("server.servlet.context-path")
    .or("/pg-service"),
    Setting::own(
        "server.admin-port",
        Kind::Number { min: 0, max: 65_535 },
        "A port of its own, at the same address, for what operators and developers need: `/prometheus`, `/docs/` and `/openapi.json` are then served there and no longer beside payments, and `/health` is served on both. 0 takes a free one.",
    ),
    Setting::own("server.metrics", Kind::Flag, "Whether `/prometheus` is served.").or("true"),
    Setting::own("server.docs", Kind::Flag, "Whether `/docs/` and `/openapi.json` are served.").or("true"),
    Setting::own(
        "server.public-url",
        Kind::Url,
        "The address of this service as payers' browsers and gateways reach it, with the context path.",
    )
    .or_worked_out("alone `http://<server.address>:<server.port><server.context-path>`, beside DIGIT none"),
    Setting::own(
        "server.shutdown-wait-secs",
        Kind::Number { min: 0, max: 3_600 },
        "How many seconds running requests are given to finish when the service is asked to stop. Those that have not are then answered 503 with the id of their transaction.",
    )
    .or("20"),
    Setting::own(
        "server.worker-threads",
        Kind::Number { min: 1, max: 256 },
        "How many threads handle requests.",
    )
    .or_worked_out("as many as there are processors, at most 4"),
    Setting::own(
        "data.dir",
        Kind::Path,
        "The folder of the embedded database and of generated secrets. It is created for its owner alone.",
    )
    .only_prefixed()
    .or("./data"),
    Setting::own("log.format", Kind::Choice(&["human", "json"]), "How log lines on standard error look.")
        .only_prefixed()
        .or("human"),
    Setting::own(
        "log.level",
        Kind::Text,
        "What is logged: `error`, `warn`, `info`, `debug`, or a list of levels by module such as `info,payment_service=debug`.",
    )
    .only_prefixed()
    .or("info"),
    Setting::own("time-zone", Kind::Text, "The time zone in which transaction ids and receipts are dated and daily jobs are run.")
        .or("Asia/Kolkata"),
];

/// How payments are handled.
pub(super) const PAYMENTS: &[Setting] = &[
    Setting::own(
        "order.life-mins",
        Kind::Number { min: 1, max: 525_600 },
        "For how many minutes an order can be paid. After that a gateway's \"no such payment\" is final and the bill is free; no payer is sent to pay in the last third of it, ten minutes at most. Each gateway may have an order life of its own.",
    )
    .or_worked_out("as long as its provider keeps an order open: 30 minutes"),
    Setting::own(
        "create.reuse-pending.after-secs",
        Kind::Number { min: 0, max: 86_400 },
        "A request for the same bills, amount, gateway, callback URL and mobile number as a pending payment of more than so many seconds is answered with that payment, while its page can be used; 0 never does.",
    )
    .or("5"),
    Setting::own(
        "redirect.through",
        Kind::Choice(&["application", "service"]),
        "Through whom payers' browsers are led to a gateway and back. `application`: straight to the gateway, and back to the application's `callbackUrl`; from outside, only `_create` and `_update` of this service have to be reachable. `service`: by a page of this service where a gateway wants a form, and back to this service, which sends the browser on to the `callbackUrl`; the paths that `check-config` names have to be reachable below `server.public-url`.",
    )
    .or_worked_out("`application` beside DIGIT while `server.public-url` is not set, else `service`"),
    Setting::own(
        "callback.allowed-hosts",
        Kind::Hosts,
        "The hosts to which payers may be sent back, as `host`, `host:port` or `*.parent`. A tenant without an entry of its own has that of the tenant above it. Once anything is set, a tenant without any entry has none.",
    )
    .per_tenant()
    .or_worked_out("beside DIGIT the host of `notification.url`; alone this machine (`localhost`, `127.0.0.1`, `[::1]`) and the service's own host"),
    Setting::own(
        "search.scope",
        Kind::Flag,
        "Whether citizens find only their own transactions, employees only those of their tenant, and callers without proof of who they are only what they can name, with personal data masked.",
    )
    .or("true"),
    Setting::own(
        "idempotency.life-hours",
        Kind::Number { min: 1, max: 8_760 },
        "For how many hours an `Idempotency-Key` is kept at least.",
    )
    .or("24"),
    Setting::own(
        "receipts.wait-ms",
        Kind::Number { min: 0, max: 60_000 },
        "How many milliseconds a request waits for the receipt before it answers without one. The receipt is issued all the same.",
    )
    .or("5000"),
    Setting::own(
        "receipts.lease-ms",
        Kind::Number { min: 1_000, max: 3_600_000 },
        "For how many milliseconds the right to issue a receipt is held. It must be longer than two calls to the collection service can take together, with their repetitions, and a tenth of it is kept for the database. A registration of which nobody knows what became is repeated only after as long.",
    )
    .or("60000"),
    Setting::own(
        "receipts.interval-ms",
        Kind::Number { min: 100, max: 3_600_000 },
        "How often receipts that are due are taken up, in milliseconds.",
    )
    .or("1000"),
    Setting::own(
        "gateways.wait-ms",
        Kind::Number { min: 100, max: 120_000 },
        "How many milliseconds one question to a gateway may take in all.",
    )
    .or("10000"),
    Setting::own(
        "update.questions.burst",
        Kind::Number { min: 1, max: 1_000 },
        "How many questions about one payment its gateway is asked at once because somebody brings news of it, on one replica. News that the gateway has signed are worth a question of their own, once.",
    )
    .or("5"),
    Setting::own(
        "update.questions.every-secs",
        Kind::Number { min: 1, max: 3_600 },
        "After so many seconds it is asked another one; less often when the payment is older than thirty times that. In between the stored state is the answer.",
    )
    .or("10"),
    Setting::own(
        "gateways.calls-at-once",
        Kind::Number { min: 1, max: 4_096 },
        "How many calls to one gateway are under way at once.",
    )
    .or("64"),
    Setting::own(
        "gateways.http-hosts",
        Kind::Hosts,
        "The hosts of gateways that may be called over `http`, as `host`, `host:port` or `*.parent`. Others must be called over `https`, unless they are this machine.",
    ),
    Setting::own(
        "gateways.failures-in-a-row",
        Kind::Number { min: 1, max: 1_000 },
        "After so many payments in a row without a usable answer a gateway counts as down: payments through it are refused at once and with a `Retry-After`, and questions about others are put off.",
    )
    .or("5"),
    Setting::own(
        "gateways.cool-down-secs",
        Kind::Number { min: 1, max: 3_600 },
        "For how many seconds a gateway that is down is left alone before one call tries it again.",
    )
    .or("30"),
    Setting::own(
        "housekeeping.interval-mins",
        Kind::Number { min: 1, max: 1_440 },
        "How often what has been kept long enough is cleared away, in minutes.",
    )
    .or("60"),
];

/// Who a caller is.
pub(super) const IDENTITY: &[Setting] = &[
    Setting::own(
        "identity.proof",
        Kind::Choice(&["token", "header", "believed"]),
        "How a caller proves who they are. `token`: the user service is asked whose the `authToken` of the request is. `header`: `userInfo` counts in requests to which the API gateway has added a secret header. `believed`: `userInfo` is taken at its word, for an installation without DIGIT that no stranger reaches. A caller without proof finds payments by what they can name, with personal data masked.",
    )
    .or_worked_out("`token` where `egov.userservice.host` is set, `believed` otherwise"),
    Setting::own(
        "identity.header.name",
        Kind::Text,
        "With `identity.proof=header`: the header that the API gateway adds where it has set `userInfo` itself, and nowhere else.",
    )
    .or("X-Identity-Secret"),
    Setting::own("identity.header.secret", Kind::Text, "With `identity.proof=header`: what that header must hold, at least 32 characters.")
        .secret(),
];

/// What one caller may take up.
pub(super) const LIMITS: &[Setting] = &[
    Setting::own("limits.body-bytes", SOME, "The longest request body, in bytes.").or("262144"),
    Setting::own("limits.url-bytes", SOME, "The longest path with its query, in bytes.").or("8192"),
    Setting::own("limits.parameters", SOME, "The most parameters of a request, in query and form together.").or("200"),
    Setting::own("limits.body-secs", SECONDS, "How many seconds a client may take to send its body.").or("15"),
    Setting::own(
        "limits.request-secs",
        SECONDS,
        "How many seconds a request may take in all. What it has begun goes on behind that.",
    )
    .or("30"),
    Setting::own(
        "limits.bytes-in-flight",
        SOME,
        "The most bytes of request bodies that are held at once, beyond the first 16384 of each, and as many of answers longer than 65536. More are answered 503 with a `Retry-After`.",
    )
    .or("33554432"),
    Setting::own(
        "limits.connections",
        SOME,
        "The most connections open at once; fewer where the system's limit of open files leaves less.",
    )
    .or("4096"),
    Setting::own("limits.header-bytes", Kind::Number { min: 8_192, max: 1_048_576 }, "The longest head of a request, in bytes.")
        .or("16384"),
    Setting::own("limits.header-secs", SECONDS, "How many seconds a client may take to send the head of a request.")
        .or("10"),
    Setting::own(
        "limits.write-secs",
        SECONDS,
        "How many seconds a client may leave an answer unread. In each such time it must take 1024 bytes a second of what waits for it.",
    )
    .or("15"),
    Setting::own(
        "limits.idle-secs",
        SECONDS,
        "How many seconds a connection may stay open between requests; longer than a load balancer in front keeps its own end open.",
    )
    .or("75"),
];
