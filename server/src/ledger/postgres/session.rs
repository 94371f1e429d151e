//! A connection to the primary that was looked over, and what is asked through it.
//!
//! # Invariants
//! - Whatever the role is set to, a commit waits for the disk and for the synchronous standby, and a warning
//!   that it did not is heard.
//! - Nothing is sent twice. Every wait has an end; behind one that ran out the connection is not used again.

use std::{
    fmt::Write as _,
    fs,
    future::poll_fn,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
    time::timeout,
};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, NoTls, Notification, Row, Statement, config::SslMode,
    error::Severity, types::ToSql,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ledger::{
    format::base::FORMAT_VERSION,
    postgres::{
        address::{Address, Server},
        error::{PostgresError, ServerError, chain, text},
        passfile, schema,
        settings::Settings,
        tls,
    },
};

/// How long a server may take to let us in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long an answer may take; a database that keeps to the limits below ends a statement before that.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What is set for each session, whatever the role and the database are set to.
///
/// IMPORTANT: `client_min_messages` lets the warning through by which a commit tells that it did not wait for the
/// standby; `lock_timeout` and `statement_timeout` end a statement before we stop waiting for it, with a
/// definite answer.
const SET: &str = "\
    SET client_min_messages = warning;
    SET lock_timeout = '2s';
    SET statement_timeout = '4s';
    SET idle_in_transaction_session_timeout = '10s';
    SET default_transaction_isolation = 'read committed';
    SELECT set_config('synchronous_commit', \
        CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)";

/// How it is set up, and what it is.
const LOOK: &str = "\
    SELECT pg_is_in_recovery(), current_setting('server_version_num')::integer, \
    (SELECT setting FROM pg_settings WHERE name = 'fsync'), \
    (SELECT setting FROM pg_settings WHERE name = 'full_page_writes'), \
    (SELECT setting FROM pg_settings WHERE name = 'data_sync_retry'), \
    (SELECT setting FROM pg_settings WHERE name = 'synchronous_standby_names')";

/// What the surroundings of the program say of how to get into a database.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// `PGPASSWORD`.
    pub password: Option<String>,
    /// `PGPASSFILE`, or the one in the user's home.
    pub passfile: Option<PathBuf>,
}

/// A database, and how to get into it.
pub struct Database {
    address: Address,
    surroundings: Surroundings,
    tls: Option<MakeRustlsConnect>,
}

impl Database {
    /// The database at `address`.
    ///
    /// # Errors
    /// [`PostgresError::Tls`].
    pub fn new(address: Address, surroundings: Surroundings) -> Result<Self, PostgresError> {
        let authorities = address.authorities.as_deref();
        let tls = address.is_encrypted.then(|| tls::connector(authorities)).transpose()?;
        Ok(Self { address, surroundings, tls })
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The password for `server`: of the address, of `PGPASSWORD`, or of the password file.
    fn password(&self, server: &Server, user: &str) -> Result<Option<Vec<u8>>, ServerError> {
        let Address { password, database, passfile, .. } = &self.address;
        let given = password.as_ref().map(|password| password.0.clone());
        let given = given.or_else(|| self.surroundings.password.clone().map(Vec::from));
        let file = passfile.as_ref().or(self.surroundings.passfile.as_ref());
        let (None, Some(file)) = (&given, file) else { return Ok(given) };
        match fs::read_to_string(file) {
            Ok(text) => Ok(passfile::password(&text, server, database, user).map(Vec::from)),
            // It is looked for where it usually is; one that is named has to be there.
            Err(_) if passfile.is_none() => Ok(None),
            Err(error) => {
                Err(ServerError::Rejected(format!("the passfile {}: {error}", file.display())))
            }
        }
    }
}

/// By what name a counter goes that is made of another's records: one that no address can have.
pub(super) fn import_name(counter: &str) -> String {
    format!("import:{counter}")
}

/// A connection to the primary.
pub(super) struct Session {
    client: Client,
    connection: JoinHandle<()>,
    warnings: Arc<Mutex<Vec<String>>>,
    is_usable: bool,
    /// Which server it is.
    pub(super) server: Server,
    /// What whoever runs it should know.
    pub(super) advice: Vec<String>,
}

/// The row of a counter that never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CounterId {
    pub(super) id: i64,
    pub(super) key: [u8; 32],
}

impl Session {
    /// Connects to the primary of `database`, whose counter was told of up to the revision `known`; tells
    /// `heard` what others notify of.
    ///
    /// # Errors
    /// [`PostgresError::Unusable`], with what each server said.
    pub(super) async fn connect(
        database: &Database,
        known: u64,
        heard: impl Fn(&Notification) + Clone + Send + 'static,
    ) -> Result<Self, PostgresError> {
        let mut unusable = Vec::new();
        for server in &database.address.hosts {
            let heard = heard.clone();
            let connected =
                timeout(CONNECT_TIMEOUT, Self::connect_to(database, server, known, heard));
            match connected.await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(error)) => unusable.push((server.clone(), error)),
                Err(_) => {
                    let late = format!(
                        "no answer within {CONNECT_TIMEOUT:?}, as of a server that is stopped, or of what is no \
                         PostgreSQL"
                    );
                    unusable.push((server.clone(), ServerError::Unreachable(late)));
                }
            }
        }
        Err(PostgresError::Unusable(unusable))
    }

    async fn connect_to(
        database: &Database,
        server: &Server,
        known: u64,
        heard: impl Fn(&Notification) + Send + 'static,
    ) -> Result<Self, ServerError> {
        let Address { database: name, user, .. } = &database.address;
        let mut config = Config::new();
        config.host(&server.host).port(server.port).dbname(name);
        config.application_name("ticket-counter");
        config.connect_timeout(CONNECT_TIMEOUT).tcp_user_timeout(2 * ANSWER_TIMEOUT);
        config.keepalives_idle(2 * ANSWER_TIMEOUT).keepalives_interval(ANSWER_TIMEOUT);
        if let Some(user) = user {
            config.user(user);
        }
        let password = database.password(server, user.as_deref().unwrap_or_default())?;
        if let Some(password) = password {
            config.password(password);
        }
        let warnings = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&warnings);
        let (client, connection) = match &database.tls {
            Some(tls) => {
                config.ssl_mode(SslMode::Require);
                let (client, connection) =
                    config.connect(tls.clone()).await.map_err(|error| refused(&error))?;
                (client, tokio::spawn(drive(connection, noted, heard)))
            }
            None => {
                config.ssl_mode(SslMode::Disable);
                let (client, connection) =
                    config.connect(NoTls).await.map_err(|error| refused(&error))?;
                (client, tokio::spawn(drive(connection, noted, heard)))
            }
        };
        let (server, advice) = (server.clone(), Vec::new());
        let mut session = Self { client, connection, warnings, is_usable: true, server, advice };
        session.client.batch_execute(SET).await.map_err(|error| refused(&error))?;
        let row = session.client.query_one(LOOK, &[]).await.map_err(|error| refused(&error))?;
        let version: i32 = row.get(1);
        let settings = Settings {
            version: version.try_into().unwrap_or_default(),
            fsync: row.get(2),
            full_page_writes: row.get(3),
            data_sync_retry: row.get(4),
            synchronous_standby_names: row.get(5),
        };
        if row.get(0) {
            return Err(ServerError::Standby);
        }
        session.advice = settings.warnings();
        if let Some(reason) = settings.refusal() {
            return Err(ServerError::Unsafe(reason));
        }
        if known > 0
            && let Some(last) = session.last_revision(&database.address.counter).await
            && last < known
        {
            return Err(ServerError::Behind { last, known });
        }
        Ok(session)
    }

    /// The last revision of the counter called `name`; `None` where there is none, which others tell.
    async fn last_revision(&self, name: &str) -> Option<u64> {
        let sql = "SELECT revision FROM ticket_counter.counter WHERE name = $1";
        let row = self.client.query_opt(sql, &[&name]).await.ok()??;
        row.get::<_, i64>(0).try_into().ok()
    }

    /// Whether something can be asked through it.
    pub(super) fn is_usable(&self) -> bool {
        self.is_usable && !self.client.is_closed()
    }

    /// Asks nothing more through it: what its role and its database were set to as it began holds for all of it, also where
    /// that was put right meanwhile.
    pub(super) fn retire(&mut self) {
        self.is_usable = false;
    }

    /// Finds the counter called `name`, in tables of this program's version.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub(super) async fn find(&mut self, address: &Address) -> Result<CounterId, PostgresError> {
        let (name, database) = (&address.counter, &address.database);
        let no_counter =
            || PostgresError::NoCounter { counter: name.clone(), database: database.clone() };
        let found = self.limited(schema::found(&self.client, database)).await?;
        if found == 0 {
            return Err(no_counter());
        }
        schema::refuse_newer(found)?;
        if found < schema::version() {
            self.migrate(database).await?;
        }
        let sql = "SELECT id, format, key FROM ticket_counter.counter WHERE name = $1";
        let Some(row) = self.query(sql, &[name]).await?.pop() else {
            let importing = self.query(sql, &[&import_name(name)]).await?;
            return Err(match importing.first() {
                Some(_) => PostgresError::Importing { counter: name.clone() },
                None => no_counter(),
            });
        };
        let (format, key): (i32, Vec<u8>) = (row.get(1), row.get(2));
        let known = i32::try_from(FORMAT_VERSION).unwrap_or(i32::MAX);
        if format > known {
            return Err(PostgresError::Newer { what: "records", found: format, known });
        }
        let key = key
            .try_into()
            .map_err(|_| PostgresError::OtherSchema { database: database.clone() })?;
        Ok(CounterId { id: row.get(0), key })
    }

    /// Whether there are tables of this program in `database`, of whatever version.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub(super) async fn has_tables(&mut self, database: &str) -> Result<bool, PostgresError> {
        let found = self.limited(schema::found(&self.client, database)).await;
        Ok(self.noted(found)? > 0)
    }

    /// Brings the tables to this program's version.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub(super) async fn migrate(&mut self, database: &str) -> Result<(), PostgresError> {
        let migrated = timeout(ANSWER_TIMEOUT, schema::migrate(&mut self.client, database));
        migrated.await.unwrap_or_else(|_| Err(no_answer()))
    }

    /// Prepares `sql`, which is asked often.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub(super) async fn prepare(&mut self, sql: &str) -> Result<Statement, PostgresError> {
        let prepared = async { self.client.prepare(sql).await.map_err(|e| PostgresError::of(&e)) };
        let prepared = self.limited(prepared).await;
        self.noted(prepared)
    }

    /// Asks for rows.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub(super) async fn query<S>(
        &mut self,
        sql: &S,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, PostgresError>
    where
        S: ?Sized + tokio_postgres::ToStatement,
    {
        let asked =
            async { self.client.query(sql, values).await.map_err(|e| PostgresError::of(&e)) };
        let asked = self.limited(asked).await;
        self.noted(asked)
    }

    /// Runs one statement that changes something, as a transaction of its own; gives how many rows it touched.
    ///
    /// The answer is waited for to its end, which comes behind the commit.
    ///
    /// # Errors
    /// [`PostgresError::Refused`] where nothing was changed; [`PostgresError::Warned`] where it was, and may be
    /// lost with the primary; else nobody knows.
    pub(super) async fn commit<S>(
        &mut self,
        sql: &S,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, PostgresError>
    where
        S: ?Sized + tokio_postgres::ToStatement,
    {
        self.warnings().clear();
        let ran =
            async { self.client.execute(sql, values).await.map_err(|e| PostgresError::of(&e)) };
        let ran = self.limited(ran).await;
        let rows = self.noted(ran)?;
        // IMPORTANT: a commit that stopped waiting for the standby succeeds as any other, but for this word.
        match self.warnings().first() {
            Some(warning) => Err(PostgresError::Warned(warning.clone())),
            None => Ok(rows),
        }
    }

    fn warnings(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn limited<T>(
        &self,
        asked: impl Future<Output = Result<T, PostgresError>>,
    ) -> Result<T, PostgresError> {
        timeout(ANSWER_TIMEOUT, asked).await.unwrap_or_else(|_| Err(no_answer()))
    }

    /// Behind an answer that was not one, what comes next on the connection may be its.
    fn noted<T>(&mut self, answer: Result<T, PostgresError>) -> Result<T, PostgresError> {
        if let Err(PostgresError::Unknown(_)) = &answer {
            self.is_usable = false;
        }
        answer
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It would go on until every answer has come.
        self.connection.abort();
    }
}

/// Reads what comes on a connection until it ends.
async fn drive<S, T>(
    mut connection: Connection<S, T>,
    warnings: Arc<Mutex<Vec<String>>>,
    heard: impl Fn(&Notification),
) where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    // IMPORTANT: one message at a time, in the order in which they came: a warning is noted before the answer
    // behind it is passed on.
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            AsyncMessage::Notice(notice) => {
                let severity = notice.parsed_severity();
                if !matches!(
                    severity,
                    Some(Severity::Notice | Severity::Info | Severity::Debug | Severity::Log)
                ) {
                    warnings.lock().unwrap_or_else(PoisonError::into_inner).push(text(&notice));
                }
            }
            AsyncMessage::Notification(notification) => heard(&notification),
            _ => {}
        }
    }
}

fn no_answer() -> PostgresError {
    PostgresError::Unknown(format!("no answer within {ANSWER_TIMEOUT:?}"))
}

fn refused(error: &tokio_postgres::Error) -> ServerError {
    match error.as_db_error() {
        Some(answer) => {
            let mut told = text(answer);
            if let Some(hint) = answer.hint() {
                let _ = write!(told, " ({hint})");
            }
            ServerError::Rejected(told)
        }
        None => ServerError::Unreachable(chain(error)),
    }
}
