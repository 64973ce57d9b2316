//! Authorities, and the certificates that they issue to nodes. The runtime's unit tests use this file, too.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs, process};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
    date_time_ymd,
};

/// An authority that issues certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// The contents of a certificate.
#[derive(Clone)]
pub(crate) struct Contents<'a> {
    pub(crate) uris: &'a [&'a str],
    /// In seconds from now.
    pub(crate) valid: Range<i64>,
    pub(crate) usages: &'a [ExtendedKeyUsagePurpose],
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A folder with the three files of a node. It is removed when it is dropped.
pub(crate) struct Folder(PathBuf);

pub(crate) const DAY: i64 = 24 * 60 * 60;

/// A certificate that names nothing, of an age of one day and for 30 more.
pub(crate) const VALID: Contents<'static> = Contents { uris: &[], valid: -DAY..30 * DAY, usages: &[] };

impl Authority {
    /// Makes an authority. Two with one name differ by their keys.
    pub(crate) fn new(name: &str) -> Authority {
        Authority(CertifiedIssuer::self_signed(authority(name), KeyPair::generate().unwrap()).unwrap())
    }

    /// Makes an authority whose certificate this one has issued.
    pub(crate) fn intermediate(&self, name: &str) -> Authority {
        Authority(CertifiedIssuer::signed_by(authority(name), KeyPair::generate().unwrap(), &self.0).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a valid certificate to the node with this name.
    pub(crate) fn issue(&self, node: &str) -> Issued {
        self.issue_with(&Contents { uris: &[&format!("greenroom:{node}")], ..VALID })
    }

    pub(crate) fn issue_with(&self, contents: &Contents<'_>) -> Issued {
        let mut params = CertificateParams::default();
        [params.not_before, params.not_after] = [contents.valid.start, contents.valid.end].map(|seconds| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            date_time_ymd(1970, 1, 1) + Duration::from_secs(now.as_secs().checked_add_signed(seconds).unwrap())
        });
        params.subject_alt_names = contents.uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.extended_key_usages = contents.usages.to_vec();
        let key = KeyPair::generate().unwrap();
        Issued { certificate: params.signed_by(&key, &self.0).unwrap().pem(), key: key.serialize_pem() }
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Folder {
    pub(crate) fn new(authorities: &str, issued: &Issued) -> Folder {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = Folder(env::temp_dir().join(format!("greenroom-certificates-{}-{count}", process::id())));
        fs::create_dir_all(&folder.0).unwrap();
        fs::write(folder.authorities(), authorities).unwrap();
        folder.replace(issued);
        folder
    }

    /// Replaces the certificate and its key.
    pub(crate) fn replace(&self, issued: &Issued) {
        fs::write(self.certificate(), &issued.certificate).unwrap();
        fs::write(self.key(), &issued.key).unwrap();
    }

    pub(crate) fn authorities(&self) -> PathBuf {
        self.path().join("ca.pem")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.path().join("node.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.path().join("node.key")
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
