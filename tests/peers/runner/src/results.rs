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
#[derive(Clone, Serialize, Deserialize)]
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
#[derive(Clone, Serialize, Deserialize)]
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

    /// Returns the results with the figures that `keep` selects, and without the compile times.
    pub fn only(&self, keep: impl Fn(&Figure) -> bool) -> Results {
        let figures = self.figures.iter().filter(|figure| keep(figure)).cloned().collect();
        Results { about: self.about.clone(), rounds: self.rounds, figures, builds: Vec::new() }
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
        self.median = median(&self.values);
        self.min = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        self.max = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    }

    /// Returns the median of the ratios of the rounds. If one of the two failed in a round, returns the ratio of the
    /// medians, because the values of the other rounds cannot be paired.
    pub fn ratio_to(&self, other: &Figure) -> f64 {
        if self.failed + other.failed > 0 || self.values.len() != other.values.len() {
            return self.median / other.median;
        }
        median(&self.values.iter().zip(&other.values).map(|(ours, other)| ours / other).collect::<Vec<_>>())
    }
}

/// Returns the median of at least one value.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}
