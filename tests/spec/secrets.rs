//! No secret leaves a spec by way of what is said about it.

use dify_reconciler::spec::{read, report};

const SECRET: &str = "hunter2-correct-horse";

fn everything_said(file_name: &str, text: &str) -> String {
    let findings = match read(file_name, text) {
        Ok(reading) => {
            let debug = format!("{reading:?}{}", serde_json::to_string(&reading.spec).unwrap());
            assert!(!debug.contains(SECRET), "the spec's own output");
            reading.findings
        }
        Err(report) => {
            assert!(!report.to_string().contains(SECRET), "{report}");
            report.findings
        }
    };
    let plain = report::render(&findings, file_name, text, false);
    let framed = report::render(&findings, file_name, text, true);
    format!("{plain}{framed}{}", serde_json::to_string(&findings).unwrap())
}

#[test]
fn secrets_are_never_repeated() {
    let texts = [
        format!(
            "project_id: my-project\ngithub_token: {SECRET}\nredis_auth: {SECRET}\niap_oauth_client_secret: {SECRET}\n"
        ),
        format!(
            "project_id: my-project\ngithub_token: [{SECRET}]\nexplicit_secret_values: {{A: [{SECRET}]}}\n"
        ),
        format!(
            "project_id: my-project\nenvironment_variables: {{OPENAI_API_KEY: {SECRET}, DB_PASSWORD: {SECRET}}}\n"
        ),
        format!(
            "project_id: my-project\nenvironment_variables: {{SECRET_KEY: {SECRET}, INIT_PASSWORD: {SECRET}{SECRET}}}\n"
        ),
        format!("project_id: my-project\nredis_host: 'redis://:{SECRET}@10.0.0.3:6379'\n"),
        format!("github_tokn: {SECRET}\nmy_password: {SECRET}\n"),
        format!("project_id: my-project\ngithub_token: \"{SECRET}\nregion: x\n"),
        format!("project_id: My Project!\nredis_auth: |\n  {SECRET}\n  {SECRET}\nregion: 5\n"),
        format!("project_id: my-project\ngithub_repository_url: 'https://me:{SECRET}@github.com/a/b'\n"),
        format!("project_id: ghp_{SECRET}\napplication_domains: [sk-{SECRET}]\n"),
        format!(
            "project_id: my-project\nenvironment_variables: {{SSRF_PROXY_HTTP_URL: 'ftp://me:{SECRET}@host'}}\n"
        ),
        format!("project_id: my-project\nworker: {{env_vars: {{X_SECRET: {{a: {SECRET}}}}}}}\n"),
        format!(
            "project_id: my-project\nenvironment_variables:\n  DB_PASSWORD: {SECRET}\n  DB_HOST: {SECRET}\n"
        ),
    ];
    for text in texts {
        let said = everything_said("a.yaml", &text);
        assert!(!said.contains(SECRET), "{text}\n{said}");
    }
    let json = format!("{{\"region\": 5x, \"github_token\": \"{SECRET}\"}}");
    assert!(!everything_said("a.json", &json).contains(SECRET));
    let tfvars = format!(
        "github_token = \"{SECRET}\"\nexplicit_secret_values = {{\n  A = \"{SECRET}\"\n  B = upper(\"{SECRET}\")\n}}\n"
    );
    assert!(!everything_said("a.tfvars", &tfvars).contains(SECRET));
}
