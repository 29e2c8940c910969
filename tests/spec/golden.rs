//! What is said when something is wrong, word for word.

use dify_reconciler::spec::{read, report};

fn said(file_name: &str, text: &str) -> String {
    let report = read(file_name, text).expect_err("this spec is refused");
    report::render(&report.findings, file_name, text, false)
}

macro_rules! golden {
    ($name:ident, $file:literal, $text:expr) => {
        #[test]
        fn $name() {
            let text = said($file, $text);
            insta::with_settings!({
                snapshot_path => "snapshots",
                prepend_module_to_snapshot => false,
                omit_expression => true,
            }, { insta::assert_snapshot!(stringify!($name), text) });
        }
    };
}

golden!(unknown_name, "acme.yaml", "project_id: my-project\nmax_instances_count: 4\nzzz: 1\n");

golden!(
    unknown_field,
    "acme.yaml",
    "project_id: my-project\ncron_jobs:\n  - name: a\n    shedule: '0 1 * * *'\n"
);

golden!(
    wrong_type,
    "acme.yaml",
    "project_id: my-project\ninitialization_jobs:\n  - name: first\n    command: [sh]\n  - name: second\n    command: [sh]\n    timeout_seconds: ten minutes\nenable_nfs: no\ncontainer_port: 70000\n"
);

golden!(
    several_at_once,
    "acme.yaml",
    "project_id: my-project\ntenant_id: acme!\nenable_redis: false\nredis_port: 0\nbackup_schedule: nightly\nenable_iap: true\nsecret_rotation_period: 30d\n"
);

golden!(bad_enum, "acme.yaml", "project_id: my-project\nservice_type: loadbalancer\nbackup_format: rar\n");

golden!(min_above_max, "acme.json", "{\n  \"project_id\": \"my-project\",\n  \"min_instance_count\": 5\n}\n");

golden!(
    tfvars_expression,
    "acme.tfvars",
    "project_id = var.project\napplication_domains = [\n  \"dify.example.com\",\n  lower(\"X\"),\n]\n"
);

golden!(tfvars_syntax, "acme.tfvars", "project_id = \"my-project\"\nregion = \n");

golden!(duplicate_key, "acme.yaml", "project_id: my-project\nregion: us-east1\nregion: us-west1\n");

golden!(
    duplicate_alias,
    "acme.yaml",
    "project_id: my-project\nregion: us-east1\nfallback_region: us-west1\n"
);

golden!(yaml_syntax, "acme.yaml", "project_id: my-project\napplication_domains: [a, b\nregion: x\n");

golden!(
    secrets_are_not_shown,
    "acme.yaml",
    "project_id: my-project\ngithub_token: [hunter2]\nredis_auth: {a: hunter2}\nenvironment_variables:\n  OPENAI_API_KEY: {a: hunter2}\n"
);

#[test]
fn a_terminal_gets_frame_line_and_help() {
    let text = "project_id: my-project\nservice_type: loadbalancer\n";
    let report = read("acme.yaml", text).unwrap_err();
    let shown = report::render(&report.findings, "acme.yaml", text, true);
    assert!(shown.contains("service_type: loadbalancer"), "{shown}");
    assert!(shown.contains("Did you mean \"LoadBalancer\"?"), "{shown}");
    assert!(shown.contains("acme.yaml:2:15"), "{shown}");
}
