//! What goes wrong in a database, in the words of the domain. Texts of statements and of drivers go to the log alone.

use domain::error::{Error, Problem, ProblemCode};
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Which field a broken constraint speaks of: its name on PostgreSQL, its columns on SQLite.
const UNIQUE: &[(&str, &str, &str)] = &[
    ("source_key", "source.key", "key"),
    ("mapping_key", "mapping.key", "key"),
    ("indicator_code", "indicator.code", "code"),
    ("indicator_version_number", "indicator_version.indicator_id", "number"),
    ("network_slug", "network.slug", "slug"),
    ("community_slug", "community.slug", "slug"),
    ("community_code_code", "community_code.scheme", "codes"),
    ("membership_open", "membership.network_id", "community"),
    ("initiative_slug", "initiative.slug", "slug"),
    ("partner_slug", "partner.slug", "slug"),
    ("baseline_series", "baseline.series_id", "series"),
    ("series_key", "series.community_id", "series"),
    ("sharing_rule_indicator", "sharing_rule.community_id, sharing_rule.indicator_id", "indicator"),
    ("sharing_rule_general", "sharing_rule.community_id", "indicator"),
    ("foreign_identity_pkey", "foreign_identity.issuer", "subject"),
    ("account_email", "account.email", "email"),
];

/// SQLSTATE codes of PostgreSQL after which the same call may go through: statement timeout, serialization failure,
/// deadlock, lock not available, read-only after a failover, input or output error; and the classes of insufficient
/// resources, of operator intervention and of lost connections.
const RETRYABLE: [&str; 6] = ["57014", "40001", "40P01", "55P03", "25006", "58030"];
const RETRYABLE_CLASSES: [&str; 3] = ["53", "57P", "08"];
/// Result codes of SQLite likewise: busy, locked, read-only, interrupted after its longest time, input or output error, full,
/// cannot open.
const SQLITE_RETRYABLE: [i64; 7] = [5, 6, 8, 9, 10, 13, 14];

/// A database error in the words of the domain.
#[must_use]
pub fn database(error: DbErr) -> Error {
    match &error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => busy(&error),
        DbErr::Exec(inner) | DbErr::Query(inner) => match inner {
            RuntimeErr::SqlxError(inner) => of_driver(inner, &error),
            RuntimeErr::Internal(_) => Error::internal(error),
        },
        _ => Error::internal(error),
    }
}

fn busy(error: &DbErr) -> Error {
    tracing::warn!(%error, "the database cannot answer just now");
    Error::Busy
}

fn of_driver(driver: &sqlx::Error, error: &DbErr) -> Error {
    match driver {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::BeginFailed
        | sqlx::Error::WorkerCrashed => busy(error),
        sqlx::Error::Database(detail) if detail.is_unique_violation() => taken(detail.as_ref(), error),
        sqlx::Error::Database(detail) if detail.is_foreign_key_violation() => {
            // References are checked before, so the log should say which one was not.
            tracing::warn!(%error, "a reference to nothing was refused");
            Error::invalid("", ProblemCode::NotFound, "something that it refers to does not exist")
        }
        sqlx::Error::Database(detail) => {
            let code = detail.code().unwrap_or_default();
            let sqlite = detail.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
            // The low byte of an extended result code is the plain one.
            let retryable = if sqlite {
                code.parse::<i64>().is_ok_and(|code| SQLITE_RETRYABLE.contains(&(code & 0xff)))
            } else {
                RETRYABLE.contains(&code.as_ref()) || RETRYABLE_CLASSES.iter().any(|class| code.starts_with(class))
            };
            if retryable { busy(error) } else { Error::internal(error) }
        }
        _ => Error::internal(error),
    }
}

fn taken(detail: &dyn sqlx::error::DatabaseError, error: &DbErr) -> Error {
    let (name, message) = (detail.constraint().unwrap_or_default(), detail.message());
    let known = UNIQUE.iter().find(|(constraint, columns, _)| *constraint == name || message.contains(columns));
    match known {
        Some((_, _, field)) => {
            Error::Conflict(Problem::new(*field, ProblemCode::Taken, "another record already has it"))
        }
        // Two writers recorded the same at the same moment; the second finds the first's when it tries again.
        None => busy(error),
    }
}
