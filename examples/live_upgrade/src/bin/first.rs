//! The first release as a program. The variables `GREENROOM_*` configure its node.

use greenroom::prelude::*;
use live_upgrade::first::Shop;

#[greenroom::main]
async fn main() -> greenroom::Result {
    Err(Shop {}.start().await?.ended().await)
}
