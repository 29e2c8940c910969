//! A converted file asks for the same as the one it was made from.

use dify_reconciler::spec::Spec;
use dify_reconciler::spec::convert::tfvars_to_yaml;
use dify_reconciler::spec::document::Document;
use dify_reconciler::spec::parse::interpret;
use proptest::prelude::*;

fn spec(file_name: &str, text: &str) -> Spec {
    let document = Document::read(file_name, text).unwrap_or_else(|findings| panic!("{findings:?}\n{text}"));
    let read = interpret(&document);
    assert_eq!(read.findings, [], "{text}");
    read.spec
}

/// Text as HCL writes it.
fn hcl(text: &str) -> String {
    let mut quoted = String::from("\"");
    for sign in text.chars() {
        match sign {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted.replace("${", "$${").replace("%{", "%%{")
}

#[test]
fn a_whole_file_of_the_module() {
    let tfvars = r#"
        project_id            = "my-project"
        tenant_deployment_id  = "acme"
        application_version   = "1.17.1"
        min_instance_count    = 2
        enable_pod_disruption_budget = true
        pdb_min_available     = 1
        application_domains   = ["dify.example.com", "ai.example.com"]
        enable_custom_domain  = true
        environment_variables = {
          LOG_LEVEL = "DEBUG"   # more to read
          MULTI     = <<-EOT
            first
              second
          EOT
        }
        storage_buckets = [{
          name_suffix = "data"
          lifecycle_rules = [{ action = { type = "Delete" }, condition = { age = 30 } }]
        }]
        startup_probe = { enabled = true, path = "/health", failure_threshold = 60 }
        initialization_jobs = [
          { name = "seed", command = ["/bin/sh", "-c", "echo \"hi\" && true"], env_vars = { EMPTY = "" } },
        ]
        github_token = ""
        credit_cost  = 50
    "#;
    let yaml = tfvars_to_yaml(tfvars).unwrap();
    assert_eq!(spec("a.yaml", &yaml), spec("a.tfvars", tfvars), "{yaml}");
    assert!(yaml.contains("# pdb_min_available: 1"), "a default is a comment\n{yaml}");
    assert!(yaml.contains("# Has no effect here and can go."), "{yaml}");
}

proptest! {
    #[test]
    fn any_text_survives(value in "\\PC{0,24}", lines in "[ -~\n\t]{0,24}", number in any::<i32>(), names in prop::collection::btree_set("[A-Z][A-Z_]{0,6}", 0..4)) {
        let map: Vec<_> = names.iter().map(|name| format!("{name} = {}", hcl(&value))).collect();
        let tfvars = format!(
            "project_id = \"my-project\"\ndescription = {}\nstateful_fs_group = {number}\nenvironment_variables = {{\n{}\n}}\npostgres_extensions = [{}, {}]\n",
            hcl(&lines), map.join("\n"), hcl(&value), hcl(&lines),
        );
        let yaml = tfvars_to_yaml(&tfvars).unwrap();
        prop_assert_eq!(spec("a.yaml", &yaml), spec("a.tfvars", &tfvars), "{}\n{}", tfvars, yaml);
    }
}
