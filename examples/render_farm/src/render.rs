//! The process that renders one row, on any node.

use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

use crate::farm::FarmRef;
use crate::picture;

/// The messages to a [`Render`].
#[protocol]
pub enum RenderMessage {
    /// Ends it.
    Cancel,
}

/// Renders one row, sends it to the farm and ends.
#[actor(protocol = RenderMessage)]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Render {
    /// The number of the row.
    pub row: u32,
    /// Receives the row.
    pub farm: FarmRef,
}

impl Process for Render {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let row = self.row;
        // On a thread for computations: the node continues to serve its other processes.
        let points = cx.blocking(move || picture::row(row)).await;
        self.farm.rendered(row, points).await?;
        Ok(())
    }
}
