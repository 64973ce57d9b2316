//! Charts as SVG: bars and lines. They have a background, so that they are readable on light and on dark pages.

use std::fmt::Write;

/// Bars with a common scale.
pub struct Group {
    pub title: String,
    pub bars: Vec<Bar>,
}

pub struct Bar {
    pub label: String,
    pub value: f64,
    /// The minimum and the maximum.
    pub spread: (f64, f64),
    /// The value as text.
    pub text: String,
}

/// A line through points.
pub struct Line {
    pub label: String,
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 720.0;
const FONT: &str = "font-family=\"system-ui, sans-serif\" font-size=\"12\"";

fn colour(label: &str) -> &'static str {
    match label {
        "greenroom" => "#1b7f5c",
        "limit" | "mpsc" | "tcp" => "#9aa3ad",
        "erlang" => "#b0476a",
        _ => "#5b84b8",
    }
}

/// Draws horizontal bars, with a block for each group. A thin line shows the spread.
pub fn bars(unit: &str, groups: &[Group]) -> String {
    let (left, right, row, head) = (90.0, 90.0, 18.0, 30.0);
    let height: f64 = 24.0 + groups.iter().map(|group| head + row * group.bars.len() as f64).sum::<f64>();
    let mut svg = open(height, unit);
    let mut y = 12.0;
    for group in groups {
        y += head;
        text(&mut svg, left, y - 8.0, "start", "font-weight=\"600\"", &group.title);
        let most = group.bars.iter().map(|bar| bar.spread.1).fold(f64::MIN_POSITIVE, f64::max);
        let x = |value: f64| left + value / most * (WIDTH - left - right);
        for bar in &group.bars {
            let (middle, end) = (y + row / 2.0, x(bar.value));
            text(&mut svg, left - 8.0, middle + 4.0, "end", "", &bar.label);
            let fill = colour(&bar.label);
            let wide = (end - left).max(1.0);
            writeln!(
                svg,
                r#"<rect x="{left}" y="{:.1}" width="{wide:.1}" height="{:.1}" rx="2" fill="{fill}"/>"#,
                y + 2.0,
                row - 5.0
            )
            .expect("writing to a `String` succeeds");
            let (least, most) = (x(bar.spread.0), x(bar.spread.1));
            stroke(&mut svg, (least, middle), (most, middle), "#222", 1.0);
            text(&mut svg, end.max(most) + 6.0, middle + 4.0, "start", "", &bar.text);
            y += row;
        }
    }
    close(svg)
}

/// Draws lines over logarithmic axes. A point with `x` = 0 is at the left edge.
pub fn lines(x_label: &str, y_label: &str, lines: &[Line]) -> String {
    let (left, right, top, bottom, height) = (70.0, 170.0, 30.0, 50.0, 360.0);
    let mut svg = open(height, &format!("{y_label} against {x_label}"));
    let points = || lines.iter().flat_map(|line| &line.points);
    let least_x = points().map(|point| point.0).filter(|x| *x > 0.0).fold(f64::MAX, f64::min);
    let has_zero = points().any(|point| point.0 == 0.0);
    let most_x = points().map(|point| point.0).fold(1.0, f64::max);
    // The axis ends at decades.
    let least_y = points().map(|point| point.1).fold(f64::MAX, f64::min).max(0.1).log10().floor();
    let most_y = points().map(|point| point.1).fold(1.0, f64::max).log10().ceil().max(least_y + 1.0);
    let from = if has_zero { least_x.log10() - 1.0 } else { least_x.log10() };
    let x = |value: f64| {
        let log = if value == 0.0 { from } else { value.log10() };
        left + (log - from) / (most_x.log10() - from).max(1.0) * (WIDTH - left - right)
    };
    let y = |value: f64| {
        height - bottom - (value.max(0.1).log10() - least_y) / (most_y - least_y) * (height - top - bottom)
    };
    for decade in least_y as i32..=most_y as i32 {
        let at = y(10_f64.powi(decade));
        stroke(&mut svg, (left, at), (WIDTH - right, at), "#ddd", 1.0);
        text(&mut svg, left - 8.0, at + 4.0, "end", "", &short(10_f64.powi(decade)));
    }
    let mut ticks: Vec<_> = points().map(|point| point.0).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    for tick in ticks {
        stroke(&mut svg, (x(tick), height - bottom), (x(tick), height - bottom + 5.0), "#444", 1.0);
        text(&mut svg, x(tick), height - bottom + 19.0, "middle", "", &short(tick));
    }
    stroke(&mut svg, (left, height - bottom), (WIDTH - right, height - bottom), "#444", 1.0);
    text(&mut svg, (left + WIDTH - right) / 2.0, height - 10.0, "middle", "", x_label);
    text(&mut svg, left - 8.0, top - 12.0, "start", "", y_label);
    // The labels are at the ends of the lines, moved where they would overlap.
    let mut ends: Vec<_> = lines.iter().filter_map(|line| Some((y(line.points.last()?.1), line))).collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut last = f64::MIN;
    for (at, (end, line)) in ends.into_iter().enumerate() {
        const COLOURS: [&str; 6] = ["#1b7f5c", "#5b84b8", "#b0476a", "#a9761b", "#6b5aa8", "#555"];
        let colour = match colour(&line.label) {
            "#5b84b8" => COLOURS[at % COLOURS.len()],
            known => known,
        };
        let path: Vec<_> = line.points.iter().map(|point| format!("{:.1},{:.1}", x(point.0), y(point.1))).collect();
        writeln!(svg, r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#, path.join(" "))
            .expect("writing to a `String` succeeds");
        for point in &line.points {
            writeln!(svg, r#"<circle cx="{:.1}" cy="{:.1}" r="3" fill="{colour}"/>"#, x(point.0), y(point.1))
                .expect("writing to a `String` succeeds");
        }
        let label = end.max(last + 15.0);
        last = label;
        let style = format!("fill=\"{colour}\"");
        text(&mut svg, WIDTH - right + 8.0, label + 4.0, "start", &style, &line.label);
    }
    close(svg)
}

/// Returns a number with a unit prefix.
pub fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{} M", trim(v / 1e6)),
        v if v >= 1e3 => format!("{} k", trim(v / 1e3)),
        v => trim(v),
    }
}

/// Returns a number with two or three significant digits.
pub fn trim(value: f64) -> String {
    let digits = if value >= 100.0 || value == value.trunc() { 0 } else { usize::from(value < 10.0) + 1 };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn open(height: f64, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" {FONT}>\n\
         <title>{title}</title>\n<rect width=\"{WIDTH}\" height=\"{height}\" rx=\"6\" fill=\"#fbfaf7\"/>\n"
    )
}

fn close(mut svg: String) -> String {
    svg.push_str("</svg>\n");
    svg
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, style: &str, text: &str) {
    let fill = if style.contains("fill=") { "" } else { "fill=\"#222\"" };
    writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" {fill} {style}>{text}</text>"#)
        .expect("writing to a `String` succeeds");
}

fn stroke(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
    writeln!(
        svg,
        r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{colour}" stroke-width="{width}"/>"#,
        from.0, from.1, to.0, to.1
    )
    .expect("writing to a `String` succeeds");
}
