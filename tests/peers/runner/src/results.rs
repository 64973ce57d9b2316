//! The results of a run, as they are stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::systems::Line;

/// The results of one run.
#[derive(Default, Serialize, Deserialize)]
pub struct Results {
    /// The machine, the tools and the versions.
    pub about: BTreeMap<String, String>,
    /// The number of rounds.
    pub rounds: u64,
    pub figures: Vec<Figure>,
    pub builds: Vec<Build>,
}

/// The results of one workload of one system on a number of threads.
#[derive(Serialize, Deserialize)]
pub struct Figure {
    pub system: String,
    pub workload: String,
    pub threads: u64,
    pub unit: String,
    pub median: f64,
    pub min: f64,
    pub max: f64,
    /// The number of rounds in which it failed.
    pub failed: u64,
    pub values: Vec<f64>,
}

/// The time to compile a first actor.
#[derive(Serialize, Deserialize)]
pub struct Build {
    pub system: String,
    /// The number of compiled crates without the program's own.
    pub crates: u64,
    /// The seconds of a full build.
    pub seconds: f64,
    /// The seconds of a build after a change of the program.
    pub edit: f64,
}

impl Results {
    pub fn add(&mut self, system: &str, line: Line) {
        let Line { workload, threads, value, unit } = line;
        let figure = self.entry(system, &workload, threads);
        figure.unit = unit;
        figure.values.push(value);
        figure.sum_up();
    }

    pub fn add_failure(&mut self, system: &str, workload: &str, threads: u64) {
        self.entry(system, workload, threads).failed += 1;
    }

    fn entry(&mut self, system: &str, workload: &str, threads: u64) -> &mut Figure {
        let is = |figure: &Figure| figure.system == system && figure.workload == workload && figure.threads == threads;
        let at = self.figures.iter().position(is).unwrap_or_else(|| {
            self.figures.push(Figure::new(system, workload, threads));
            self.figures.len() - 1
        });
        &mut self.figures[at]
    }

    /// Returns the figure, if it was measured at least once.
    pub fn get(&self, system: &str, workload: &str, threads: u64) -> Option<&Figure> {
        self.figures.iter().find(|figure| {
            figure.system == system
                && figure.workload == workload
                && figure.threads == threads
                && !figure.values.is_empty()
        })
    }
}

impl Figure {
    fn new(system: &str, workload: &str, threads: u64) -> Figure {
        Figure {
            system: system.to_owned(),
            workload: workload.to_owned(),
            threads,
            unit: String::new(),
            median: 0.0,
            min: 0.0,
            max: 0.0,
            failed: 0,
            values: Vec::new(),
        }
    }

    fn sum_up(&mut self) {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        self.median = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        (self.min, self.max) = (sorted[0], sorted[sorted.len() - 1]);
    }
}
