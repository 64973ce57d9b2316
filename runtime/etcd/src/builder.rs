//! The configuration of a registry on etcd.

use std::fmt;
use std::time::Duration;

use hyper::Uri;
use hyper::http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;

use crate::client::Client;
use crate::error::EtcdError;
use crate::etcd::Etcd;

/// The time that a node waits for an answer, if a third of the lease is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The shortest time that a member has to answer.
const SHORTEST_LIMIT: Duration = Duration::from_millis(200);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[cfg(not(feature = "tls"))]
pub(crate) type Connector = HttpConnector;
#[cfg(feature = "tls")]
pub(crate) type Connector = hyper_rustls::HttpsConnector<HttpConnector>;

/// The configuration of an [`Etcd`]. See [`Etcd::builder`].
#[must_use]
pub struct EtcdBuilder {
    members: Vec<String>,
    prefix: String,
    lease: Duration,
    user: Option<(String, String)>,
    #[cfg(feature = "tls")]
    tls: crate::tls::Files,
}

impl EtcdBuilder {
    pub(crate) fn new(members: Vec<String>) -> EtcdBuilder {
        EtcdBuilder {
            members,
            prefix: "greenroom/".into(),
            lease: Duration::from_secs(10),
            user: None,
            #[cfg(feature = "tls")]
            tls: Default::default(),
        }
    }

    /// Sets the beginning of all keys: one for each cluster of nodes. The default is `greenroom/`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> EtcdBuilder {
        self.prefix = prefix.into();
        self
    }

    /// Sets the time for which the claims of a node last without renewal: one second to one day. The default is 10 s.
    ///
    /// etcd counts whole seconds, at least one and a half times its election timeout: 2 s by default. With a shorter lease a
    /// node gives its claims up earlier, and another node receives them no sooner.
    pub fn lease(mut self, lease: Duration) -> EtcdBuilder {
        self.lease = lease;
        self
    }

    /// Sets a user of etcd with the right to read and write the keys with the prefix.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> EtcdBuilder {
        self.user = Some((name.into(), password.into()));
        self
    }

    /// Sets the file with the authority that signs the certificates of etcd's members, in PEM. It is needed for addresses
    /// with `https://`.
    #[cfg(feature = "tls")]
    pub fn authority(mut self, file: impl Into<std::path::PathBuf>) -> EtcdBuilder {
        self.tls.authority = Some(file.into());
        self
    }

    /// Sets the files with the certificate of this client and its key, in PEM, for an etcd that requires one.
    #[cfg(feature = "tls")]
    pub fn certificate(
        mut self,
        file: impl Into<std::path::PathBuf>,
        key: impl Into<std::path::PathBuf>,
    ) -> EtcdBuilder {
        self.tls.certificate = Some((file.into(), key.into()));
        self
    }

    /// Checks the configuration, and reads the files. Sends nothing: etcd need not run yet.
    ///
    /// # Errors
    /// See [`EtcdError`].
    pub fn build(self) -> Result<Etcd, EtcdError> {
        if self.prefix.len() > 255 {
            return Err(EtcdError::Prefix(self.prefix.len()));
        }
        if !(Duration::from_secs(1)..=DAY).contains(&self.lease) {
            return Err(EtcdError::Lease(self.lease));
        }
        if self.members.is_empty() {
            return Err(EtcdError::NoMembers);
        }
        let members = self.members.iter().map(|text| address(text)).collect::<Result<Vec<_>, _>>()?;
        // All members can be tried while the node waits.
        let limit = (self.lease / 3).min(LONGEST_WAIT) / u32::try_from(members.len()).unwrap_or(u32::MAX);
        let client = Client::new(self.connector()?, members, limit.max(SHORTEST_LIMIT), self.user);
        Ok(Etcd::new(client, self.prefix, self.lease))
    }

    #[cfg(not(feature = "tls"))]
    fn connector(&self) -> Result<Connector, EtcdError> {
        Ok(http())
    }

    #[cfg(feature = "tls")]
    fn connector(&self) -> Result<Connector, EtcdError> {
        self.tls.connector(http())
    }
}

impl fmt::Debug for EtcdBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdBuilder").field("prefix", &self.prefix).field("lease", &self.lease).finish_non_exhaustive()
    }
}

fn http() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector
}

/// Parses the address of a member.
fn address(text: &str) -> Result<Uri, EtcdError> {
    let invalid = || EtcdError::Address(text.into());
    // Before anything else: this text is not shown.
    if text.contains('@') {
        return Err(EtcdError::Credentials);
    }
    let uri: Uri = text.parse().map_err(|_| invalid())?;
    if uri.scheme() == Some(&Scheme::HTTPS) && cfg!(not(feature = "tls")) {
        return Err(EtcdError::NeedsTls(text.into()));
    }
    let has_scheme = [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme());
    if has_scheme && uri.path() == "/" && uri.query().is_none() { Ok(uri) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the error of a configuration.
    fn check(builder: EtcdBuilder, expected: &str) {
        let error = builder.build().expect_err("it is not valid").to_string();
        assert!(error.contains(expected), "{error}");
    }

    fn members(addresses: &[&str]) -> EtcdBuilder {
        Etcd::builder(addresses.iter().copied())
    }

    #[test]
    fn a_configuration_that_cannot_work_is_refused() {
        let valid = || members(&["http://one:2379"]);
        check(members(&[]), "no addresses");
        check(valid().prefix("p".repeat(256)), "256 bytes");
        check(valid().lease(Duration::from_millis(999)), "999ms");
        check(valid().lease(DAY + Duration::from_secs(1)), "expected one second to one day");
        for text in
            ["", "one:2379", "one", "ftp://one:2379", "http://one:2379/v3", "http://one:2379/?a=1", "http://", "a\nb"]
        {
            check(members(&["http://one:2379", text]), "is not the address of a member");
        }
        #[cfg(not(feature = "tls"))]
        check(members(&["https://one:2379"]), "needs the feature `tls`");
        assert!(valid().prefix("p".repeat(255)).lease(Duration::from_secs(1)).build().is_ok());
        assert!(members(&["http://[::1]:2379/", "http://one"]).build().is_ok());
    }

    #[test]
    fn passwords_are_in_no_error_and_no_debug_text() {
        check(members(&["http://root:secret@one:2379"]), "use `.user(name, password)`");
        let error = members(&["http://root:secret@one:2379"]).build().expect_err("it has credentials");
        assert!(!format!("{error} {error:?}").contains("secret"));
        let builder = members(&["http://one:2379"]).user("root", "secret");
        assert!(!format!("{builder:?}").contains("secret"));
        assert!(!format!("{:?}", builder.build().expect("it is valid")).contains("secret"));
    }
}
