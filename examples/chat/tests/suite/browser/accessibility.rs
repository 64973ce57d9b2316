//! The accessibility of a page: the tree that a screen reader uses, contrasts, and the keyboard.

use serde_json::{Value, json};

use super::Page;

/// The elements that a person can use, in the order of the document.
const CONTROLS: &str = "[...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex]')]\
                        .filter((element) => element.checkVisibility() && !element.disabled)";

impl Page {
    /// Checks what a program can check: roles and names, ids, headings and contrasts. With `AXE_CORE` as the path of
    /// `axe.min.js`, axe-core checks the page as well.
    pub(crate) async fn check_accessibility(&self, place: &str) {
        let mistakes = self.evaluate(include_str!("accessibility.js")).await;
        assert_eq!(mistakes, json!([]), "{place}");
        let tree = self.call("Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array().unwrap();
        let used: Vec<&Value> = nodes.iter().filter(|node| node["ignored"] == false && is_used(node)).collect();
        for node in &used {
            let (role, name) = (text(&node["role"]), text(&node["name"]));
            assert!(!["", "generic", "none"].contains(&role) && !name.trim().is_empty(), "{place}: {node}");
        }
        // The page itself is one of them, and pictures are more.
        let controls = self.evaluate(&format!("{CONTROLS}.length")).await.as_u64().unwrap() as usize;
        assert!(used.len() > controls, "{place}: {} of {controls} controls are in the tree", used.len());
        if let Ok(path) = std::env::var("AXE_CORE") {
            self.evaluate(&format!("{};0", std::fs::read_to_string(path).unwrap())).await;
            let found = "axe.run().then(({ violations }) => \
                         violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]))";
            assert_eq!(self.evaluate(found).await, json!([]), "{place}");
        }
    }

    /// Presses Tab through the whole page, and checks that each control gets the focus, in the order of the document, on
    /// the screen and with an outline. Returns the number of controls.
    pub(crate) async fn check_tab_order(&self, place: &str) -> u64 {
        // Tab continues behind the element that had the focus last, so that is one in front of all others.
        self.evaluate(
            "(() => {
                const start = document.createElement('span');
                start.tabIndex = -1;
                document.body.prepend(start);
                start.focus();
                start.remove();
            })()",
        )
        .await;
        let count = self.evaluate(&format!("{CONTROLS}.length")).await.as_u64().unwrap();
        for index in 0..count {
            self.press("Tab").await;
            let focused = format!(
                "(() => {{
                    const element = document.activeElement, expected = {CONTROLS}[{index}];
                    if (element !== expected) return `the focus is at ${{element.outerHTML}}, not at ${{expected.outerHTML}}`;
                    const {{ outlineStyle, outlineWidth }} = getComputedStyle(element);
                    if (outlineStyle === 'none' || parseFloat(outlineWidth) < 2) return `no outline: ${{element.outerHTML}}`;
                    const {{ left, top, width, height }} = element.getBoundingClientRect();
                    const shown = document.elementFromPoint(left + width / 2, top + height / 2);
                    return element.contains(shown) || `covered or outside of the screen: ${{element.outerHTML}}`;
                }})()"
            );
            assert_eq!(self.evaluate(&focused).await, true, "{place}, control {index} of {count}");
        }
        count
    }

    /// Presses Tab until the element has the focus.
    pub(crate) async fn tab_to(&self, selector: &str) {
        let count = self.evaluate(&format!("{CONTROLS}.length")).await.as_u64().unwrap();
        // The way around the whole page has one stop outside of it.
        for _ in 0..=count + 1 {
            if self.evaluate(&format!("document.activeElement.matches({})", json!(selector))).await == true {
                return;
            }
            self.press("Tab").await;
        }
        panic!("Tab does not lead to {selector}");
    }
}

/// Returns whether the node is a control or a picture, which needs a name.
fn is_used(node: &Value) -> bool {
    let properties = node["properties"].as_array().into_iter().flatten();
    let is_focusable = properties.into_iter().any(|property| property["name"] == "focusable");
    is_focusable || ["image", "img"].contains(&text(&node["role"]))
}

fn text(value: &Value) -> &str {
    value["value"].as_str().unwrap_or_default()
}
