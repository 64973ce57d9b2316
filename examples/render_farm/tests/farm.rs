//! The farm on a cluster in memory, of which nodes crash.

use greenroom::testing::Cluster;
use render_farm::farm::{Farm, whole};
use render_farm::picture::{self, Picture, ROWS};
use render_farm::render::Render;

#[greenroom::test]
async fn the_picture_is_complete_although_workers_crash_and_return() -> greenroom::Result {
    let cluster = Cluster::in_memory(4).export::<Render>().await;
    let farm = cluster.node(0).start(Farm::default()).await?;
    for (rows, crashed) in [(4, 1), (8, 2), (12, 1)] {
        farm.wait_for(rows).forever().await?;
        cluster.crash(crashed);
        if crashed == 2 {
            cluster.restart(1).await;
        }
    }
    farm.wait_for(ROWS as usize).forever().await?;
    let expected = Picture((0..ROWS).map(picture::row).collect());
    assert_eq!(whole(farm.picture().await?), Some(expected));
    let totals = farm.totals().await?;
    assert!(totals.repeated > 0, "{totals:?}");
    assert_eq!(totals.workers, ["n3@test"]);
    Ok(())
}
