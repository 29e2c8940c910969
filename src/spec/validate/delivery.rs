//! Images, builds and promotion.

use regex::Regex;

use super::{acknowledged, error, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::names::nearest;
use crate::spec::parse::Given;

/// V-15: a stock image has a name.
pub(super) fn image_without_name(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.container_image_source == "prebuilt" && spec.container_image.is_empty(), || {
        error("container_image")
            .with(&["container_image_source"])
            .message("`container_image_source` is prebuilt and `container_image` is empty")
            .help("Take `container_image` out to get langgenius/dify-api.")
    })
}

/// P-33: images from outside can be rationed, or cut off by a perimeter.
pub(super) fn no_mirror(spec: &Spec, _: &Given) -> Vec<Finding> {
    if spec.enable_image_mirroring {
        return vec![];
    }
    let cut_off = spec.enable_vpc_sc && !spec.vpc_sc_dry_run;
    let finding = if cut_off { error("enable_image_mirroring") } else { warning("enable_image_mirroring") };
    vec![
        finding
            .with(&["enable_vpc_sc"])
            .message("images are pulled from public registries, which ration anonymous pulls")
            .help("Take `enable_image_mirroring` out."),
    ]
}

/// V-27: a pipeline without a trigger is fed by nobody.
pub(super) fn pipeline_without_trigger(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.enable_cloud_deploy && !spec.enable_cicd_trigger, || {
        error("enable_cloud_deploy")
            .with(&["enable_cicd_trigger"])
            .message("`enable_cloud_deploy` needs `enable_cicd_trigger`: nothing would feed the pipeline")
            .help("Set `enable_cicd_trigger` to true, or take `enable_cloud_deploy` out.")
    })
}

/// V-28: a trigger needs a repository and a way in.
pub(super) fn trigger_without_repository(spec: &Spec, _: &Given) -> Vec<Finding> {
    if !spec.enable_cicd_trigger {
        return vec![];
    }
    let mut found = when(spec.github_repository_url.is_empty(), || {
        error("github_repository_url")
            .with(&["enable_cicd_trigger"])
            .message("`enable_cicd_trigger` is on and no repository is given")
            .help("Write github_repository_url: https://github.com/ORG/REPO.")
    });
    found.extend(when(spec.github_token.is_empty() && spec.github_app_installation_id.is_empty(), || {
        error("github_app_installation_id")
            .with(&["github_token", "enable_cicd_trigger"])
            .message("`enable_cicd_trigger` is on and there is no way into the repository")
            .help("Install the Cloud Build GitHub App and write its installation id.")
    }));
    found
}

/// V-39: the stage that is served is a stage.
pub(super) fn served_stage(spec: &Spec, _: &Given) -> Vec<Finding> {
    let stages = || spec.cloud_deploy_stages.iter().map(|stage| stage.name.as_str());
    let known = stages().any(|name| name == spec.gateway_backend_stage);
    when(spec.enable_cloud_deploy && !known, || {
        let help = match nearest(&spec.gateway_backend_stage, stages()) {
            Some(near) => format!("Did you mean \"{near}\"?"),
            None => format!("Write one of: {}.", stages().collect::<Vec<_>>().join(", ")),
        };
        error("gateway_backend_stage")
            .with(&["cloud_deploy_stages"])
            .message(format!(
                "there is no stage \"{}\" for the front door to serve",
                spec.gateway_backend_stage
            ))
            .help(help)
    })
}

/// P-27: production gets what somebody has looked at.
pub(super) fn unreviewed_production(spec: &Spec, _: &Given) -> Vec<Finding> {
    if !spec.enable_cloud_deploy {
        return vec![];
    }
    let last = spec.cloud_deploy_stages.len().saturating_sub(1);
    let mut found = vec![];
    for (index, stage) in spec.cloud_deploy_stages.iter().enumerate() {
        let production = index == last || stage.name.starts_with("prod");
        let before = index.checked_sub(1).and_then(|at| spec.cloud_deploy_stages.get(at));
        let automatic = before.is_some_and(|stage| stage.auto_promote == Some(true));
        if production && stage.require_approval != Some(true) {
            let how = if automatic { " and promoted to by itself" } else { "" };
            found.push(
                warning(format!("cloud_deploy_stages[{index}].require_approval"))
                    .message(format!("stage \"{}\" is reached without anybody's approval{how}", stage.name))
                    .help("Set require_approval: true."),
            );
        }
    }
    found
}

/// P-58: a trigger on every branch deploys everybody's work.
pub(super) fn branch_pattern(spec: &Spec, _: &Given) -> Vec<Finding> {
    let Some(pattern) = spec.cicd_trigger_config.branch_pattern.as_deref() else { return vec![] };
    let path = "cicd_trigger_config.branch_pattern";
    if Regex::new(pattern).is_err() {
        return vec![
            warning(path)
                .message(format!("\"{pattern}\" is no regular expression"))
                .help("Write \"^main$\" for the branch main."),
        ];
    }
    when([".*", "^.*$", "", ".+", "^.+$"].contains(&pattern), || {
        warning(path)
            .message(format!("\"{pattern}\" matches every branch: any push is built and deployed"))
            .help("Write \"^main$\" for the branch main.")
    })
}

/// P-24: a rule that admits only attested images blocks all others, roll-backs too.
pub(super) fn strict_admission(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mode = spec.binauthz_evaluation_mode.as_str();
    let strict = spec.enable_binary_authorization && mode != "ALWAYS_ALLOW";
    when(strict && !acknowledged(spec, "binauthz_evaluation_mode"), || {
        error("binauthz_evaluation_mode")
            .with(&["enable_binary_authorization", "acknowledge"])
            .message(match mode {
                "ALWAYS_DENY" => "ALWAYS_DENY blocks every pod of the deployment".to_owned(),
                _ => format!(
                    "{mode} blocks every image of the deployment that is not attested, at its next restart"
                ),
            })
            .help("See that all images are attested; then add \"binauthz_evaluation_mode\" to `acknowledge`.")
    })
}

/// D-41: what is pinned is not followed, and a promoted image is the pipeline's to decide.
pub(super) fn idle_image_policy(spec: &Spec, _: &Given) -> Vec<Finding> {
    let policy = &spec.image_policy;
    let follows = policy.mode.as_deref() == Some("follow");
    let says_how = policy.approval.is_some()
        || policy.soak_secs.is_some()
        || policy.build_trigger.is_some()
        || policy.range.is_some()
        || (policy.require_attestations.is_some() && !spec.enable_binary_authorization);
    let idle = |why: &str, help: &str| {
        vec![
            warning("image_policy")
                .message(format!("{why}: the rest of `image_policy` does nothing"))
                .help(help),
        ]
    };
    if says_how && !follows && !spec.enable_cloud_deploy {
        return idle("`image_policy.mode` is not follow", "Write mode: follow, or take `image_policy` out.");
    }
    let by_digest = |image: &str| image.contains('@');
    let web = spec.web.image.as_deref().unwrap_or_default();
    when(follows && by_digest(&spec.container_image) && by_digest(web), || {
        warning("image_policy")
            .with(&["container_image", "web"])
            .message("both images are named by digest: there is no tag to follow")
            .help("Name the images by tag, or take `image_policy` out.")
    })
}
