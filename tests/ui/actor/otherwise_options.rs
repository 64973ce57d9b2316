use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

#[protocol]
enum Mail {
    Post { body: String },
}

#[actor(protocol = Mail, otherwise = refuse)]
struct WithoutUpgrade;

#[actor(protocol = Mail, upgrade, otherwise = ignore)]
#[derive(Serialize, Deserialize)]
struct UnknownChoice;

#[actor(protocol = Mail, upgrade, otherwise)]
#[derive(Serialize, Deserialize)]
struct WithoutChoice;

fn main() {}
