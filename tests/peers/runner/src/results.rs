//! What has been measured, as it is kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::systems::Line;

/// Everything that one run measured.
#[derive(Default, Serialize, Deserialize)]
pub struct Results {
    /// What was measured on and with: one line each.
    pub about: BTreeMap<String, String>,
    /// How often everything was measured, interleaved.
    pub rounds: u64,
    pub figures: Vec<Figure>,
    pub builds: Vec<Build>,
}

/// One system, one workload, so many threads.
#[derive(Serialize, Deserialize)]
pub struct Figure {
    pub system: String,
    pub workload: String,
    pub threads: u64,
    pub unit: String,
    pub median: f64,
    pub min: f64,
    pub max: f64,
    /// In how many rounds it failed.
    pub failed: u64,
    pub values: Vec<f64>,
}

/// What it takes to compile a first actor.
#[derive(Serialize, Deserialize)]
pub struct Build {
    pub system: String,
    /// All that is compiled beside the program itself.
    pub crates: u64,
    /// From nothing.
    pub seconds: f64,
    /// After a change in the program.
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

    /// The figure, if there is one and it was measured at least once.
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
