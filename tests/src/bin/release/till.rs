//! The processes of the server that continue in its next release.

use std::sync::OnceLock;

use greenroom::prelude::*;
use serde::{Deserialize, Deserializer, Serialize};

static RELEASE: OnceLock<(String, String)> = OnceLock::new();

/// Sets the name and the fault of this release.
pub(crate) fn set_release(release: &str, fault: &str) {
    RELEASE.get_or_init(|| (release.to_owned(), fault.to_owned()));
}

fn release() -> &'static (String, String) {
    RELEASE.get().expect("`main` has set it")
}

#[supervisor]
pub(crate) struct Shop {
    #[child]
    till: Till,
    #[child]
    bell: Bell,
}

/// A process that starts anew in a release that cannot read its state.
#[actor(upgrade)]
#[derive(Default, Serialize, Deserialize)]
struct Bell {
    #[serde(deserialize_with = "read_rings")]
    rings: u64,
}

fn read_rings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match release().1.as_str() {
        "bell" => Err(serde::de::Error::custom("the release has no bell")),
        _ => u64::deserialize(deserializer),
    }
}

#[actor]
impl Bell {
    #[cast]
    pub(crate) fn ring(&mut self) {
        self.rings += 1;
    }
}

#[actor(upgrade, otherwise = refuse)]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Till {
    coins: u64,
    /// The release in which the process has started.
    made_by: Name,
}

/// A part of the state that some releases cannot read.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(name: String) -> Result<Name, String> {
        match release().1.as_str() {
            "state" => Err(format!("{} does not read what {name} has written", release().0)),
            _ => Ok(Name(name)),
        }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

#[actor]
impl Till {
    #[init]
    fn open(&mut self) {
        self.made_by = Name(release().0.clone());
    }

    #[call]
    pub(crate) fn pay(&mut self, coins: u64) -> (u64, String) {
        self.coins += coins;
        (self.coins, self.made_by.0.clone())
    }
}
