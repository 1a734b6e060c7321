//! How a program serves HTTP: address, tokens, hosts, limits.

use super::programs::AUTHENTICATING;
use crate::Kind::{self, HttpUrl, IpAddress, OneOf, Port, Switch, Text, WholeNumber};
use crate::Program::{Bridge, Store, Up};
use crate::Secrecy::{Credentials, Secret};
use crate::{Section, Setting};

/// A number of requests.
const RATE: Kind = Text { placeholder: "NUMBER", allowed: "a whole number from 1 to 1000000" };

/// The address to listen on.
pub static HOST: Setting = Setting::new("ORDERFLOW_HOST", IpAddress, Section::Server)
    .flag("host")
    .default("127.0.0.1")
    .help("The address to listen on. Any other than a loopback address needs ORDERFLOW_AUTH=jwt (`orderflow up` only) or --insecure.")
    .read_by(&[Up, Store, Bridge]);

/// The port to listen on.
pub static PORT: Setting = Setting::new("ORDERFLOW_PORT", Port, Section::Server)
    .flag("port")
    .default("8080")
    .help("The port that HTTP is served on; 0 picks a free one. `orderflow store` takes only the flag, with the default 8000.")
    .read_by(&[Up, Bridge]);

/// Whether addresses that others can reach are allowed.
pub static INSECURE: Setting = Setting::new("ORDERFLOW_INSECURE", Switch, Section::Server)
    .flag("insecure")
    .default("false")
    .help("Listen on an address that other machines can reach, although callers are not authenticated.")
    .read_by(&[Up, Store, Bridge]);

/// Whether callers are authenticated.
pub static AUTH: Setting = Setting::new("ORDERFLOW_AUTH", OneOf(&["none", "jwt"]), Section::Server)
    .default("none")
    .help(
        "Who may call the HTTP API: with `none` everyone that reaches the address, with `jwt` callers with a bearer token. `jwt` needs \
         JWT_ISSUER, JWT_AUDIENCE, and exactly one of JWT_JWKS_URL, JWT_SECRET and JWT_PUBLIC_KEY.",
    )
    .read_by(AUTHENTICATING);

/// Where the keys of the issuer of tokens are fetched.
pub static JWT_JWKS_URL: Setting = Setting::new("JWT_JWKS_URL", HttpUrl, Section::Server)
    .example("https://login.example.com/.well-known/jwks.json")
    .help(
        "Where the public keys of the issuer of tokens are fetched: the URL of its JSON Web Key Set, or of its discovery document, which \
         ends with /.well-known/openid-configuration. https, unless the host is a loopback address.",
    )
    .secrecy(Credentials)
    .read_by(AUTHENTICATING);

/// The secret that tokens are signed with.
pub static JWT_SECRET: Setting = Setting::new(
    "JWT_SECRET",
    Text { placeholder: "SECRET", allowed: "a secret of at least 32 bytes" },
    Section::Server,
)
.help("The secret that tokens are signed with by HS256.")
.secrecy(Secret)
.read_by(AUTHENTICATING);

/// The public key of the issuer of tokens.
pub static JWT_PUBLIC_KEY: Setting = Setting::new(
    "JWT_PUBLIC_KEY",
    Text { placeholder: "PEM", allowed: "a public key in PEM, of RSA or of the curve P-256" },
    Section::Server,
)
.help(
    "The public key of the issuer of tokens, in PEM; \\n may stand for the ends of lines. An RSA key accepts RS256 only, a key of P-256 \
     accepts ES256 only.",
)
.read_by(AUTHENTICATING);

/// The issuer of tokens.
pub static JWT_ISSUER: Setting = Setting::new(
    "JWT_ISSUER",
    Text { placeholder: "ISSUER", allowed: "the issuer of tokens, without spaces" },
    Section::Server,
)
.help("The claim `iss` that tokens must have. Required by ORDERFLOW_AUTH=jwt.")
.read_by(AUTHENTICATING);

/// The audience of tokens.
pub static JWT_AUDIENCE: Setting = Setting::new(
    "JWT_AUDIENCE",
    Text { placeholder: "AUDIENCE", allowed: "the audience of tokens, without spaces" },
    Section::Server,
)
.help("The claim `aud` that tokens must have. Required by ORDERFLOW_AUTH=jwt.")
.read_by(AUTHENTICATING);

/// The hosts that a listener answers to.
pub static ALLOWED_HOSTS: Setting = Setting::new(
    "ORDERFLOW_ALLOWED_HOSTS",
    Text { placeholder: "HOSTS", allowed: "host names or IP addresses without ports, separated by commas" },
    Section::Server,
)
.example("shop.example.com,10.0.0.7")
.help("The names under which clients address the server, beside loopback and the address of --host. Requests with another Host are refused.")
.read_by(&[Up, Store, Bridge]);

/// The origins whose pages may call the API.
pub static CORS_ORIGINS: Setting = Setting::new(
    "ORDERFLOW_CORS_ORIGINS",
    Text { placeholder: "ORIGINS", allowed: "origins such as https://shop.example.com, separated by commas" },
    Section::Server,
)
.example("https://shop.example.com,http://localhost:3000")
.help("The origins whose web pages may call the HTTP API and read its responses (CORS). Without it, only pages of the server itself can.")
.read_by(&[Up]);

/// How many requests per second a caller may send.
pub static RATE_LIMIT: Setting = Setting::new("ORDERFLOW_RATE_LIMIT", RATE, Section::Server)
    .example("20")
    .help(
        "How many requests per second each caller may send in the long run: the subject of a token, else an address. More are answered 429. \
         Without it, callers are not limited. `/health` is not counted.",
    )
    .read_by(&[Up]);

/// How many requests a caller may send at once.
pub static RATE_BURST: Setting = Setting::new("ORDERFLOW_RATE_BURST", RATE, Section::Server)
    .example("40")
    .help("How many requests each caller may send at once. Without it, twice ORDERFLOW_RATE_LIMIT.")
    .read_by(&[Up]);

/// How many requests per second all callers may send.
pub static GLOBAL_RATE_LIMIT: Setting =
    Setting::new("ORDERFLOW_GLOBAL_RATE_LIMIT", RATE, Section::Server)
        .example("500")
        .help(
            "How many requests per second all callers together may send in the long run, and twice as many at once. Without it, there is no \
             such limit.",
        )
        .read_by(&[Up]);

/// The proxies whose `X-Forwarded-For` counts.
pub static TRUSTED_PROXIES: Setting = Setting::new(
    "ORDERFLOW_TRUSTED_PROXIES",
    Text { placeholder: "NETWORKS", allowed: "a list of IP addresses and networks, such as 127.0.0.1,10.0.0.0/8" },
    Section::Server,
)
.example("127.0.0.1,10.0.0.0/8")
.help(
    "The addresses of proxies in front of the program, separated by commas. Only their X-Forwarded-For is believed; the address of a caller \
     is the last one in it that is not of such a proxy.",
)
.read_by(&[Up]);

/// How many requests are handled at the same time.
pub static MAX_IN_FLIGHT: Setting =
    Setting::new("ORDERFLOW_MAX_IN_FLIGHT", WholeNumber { min: 1, unit: None }, Section::Server)
        .default("1024")
        .help(
            "How many requests of the API are handled at the same time. More are answered 503 at once, since they would not be answered in \
             time.",
        )
        .read_by(&[Up]);

/// How long running work may take to finish after a signal.
pub static DRAIN_SECONDS: Setting =
    Setting::new("ORDERFLOW_DRAIN_SECONDS", WholeNumber { min: 0, unit: Some("seconds") }, Section::Server)
        .flag("drain-seconds")
        .default("10")
        .help("How long messages in flight may take to finish after Ctrl-C or SIGTERM.")
        .read_by(&[Up, Bridge]);
