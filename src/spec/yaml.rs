//! Writing YAML that reads back as what was written.

use super::document::{Entry, Kind, Node};

/// Longest list that is written on one line.
const LONGEST_LINE: usize = 80;

/// `name: value`, in as many lines as it takes, without a line break at the end.
pub(super) fn entry(name: &str, node: &Node, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let name = text(name);
    match &node.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            let lines: Vec<_> =
                entries.iter().map(|inner| entry(&inner.name, &inner.value, indent + 2)).collect();
            format!("{pad}{name}:\n{}", lines.join("\n"))
        }
        Kind::List(items) if !fits_on_one_line(items) => {
            let lines: Vec<_> = items.iter().map(|inner| item(inner, indent + 2)).collect();
            format!("{pad}{name}:\n{}", lines.join("\n"))
        }
        _ => format!("{pad}{name}: {}", inline(node)),
    }
}

fn item(node: &Node, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match &node.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            let lines: Vec<_> =
                entries.iter().map(|Entry { name, value, .. }| entry(name, value, indent + 2)).collect();
            let block = lines.join("\n");
            format!("{pad}- {}", block.trim_start())
        }
        _ => format!("{pad}- {}", inline(node)),
    }
}

fn fits_on_one_line(items: &[Node]) -> bool {
    let scalar = items.iter().all(|node| !matches!(node.kind, Kind::List(_) | Kind::Map(_)));
    scalar && items.iter().map(|node| inline(node).len() + 2).sum::<usize>() <= LONGEST_LINE
}

fn inline(node: &Node) -> String {
    match &node.kind {
        Kind::Null => "null".to_owned(),
        Kind::Bool(value) => value.to_string(),
        Kind::Number(number) => number.clone(),
        Kind::Text(value) => text(value),
        Kind::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Kind::Map(entries) => {
            let parts: Vec<_> = entries
                .iter()
                .map(|entry| format!("{}: {}", text(&entry.name), inline(&entry.value)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
    }
}

/// Text, quoted unless nobody could take it for something else.
fn text(value: &str) -> String {
    let plain = value.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '/')
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&value.to_ascii_lowercase().as_str());
    if plain { value.to_owned() } else { quoted(value) }
}

/// JSON's quotes, which YAML shares, with the signs escaped that YAML does not take as they are.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for sign in value.chars() {
        match sign {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            _ if is_unprintable(sign) => text.push_str(&format!("\\U{:08x}", u32::from(sign))),
            _ => text.push(sign),
        }
    }
    text.push('"');
    text
}

fn is_unprintable(sign: char) -> bool {
    sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
