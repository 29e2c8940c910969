//! P-02c and P-41: there is no Redis where Dify is told to look for it.

use crate::condition::Reason;
use crate::inventory::Sighting;
use crate::resources::google::nfs;
use crate::resources::{Context, facts};

use super::Watched;

/// What the end of a failed Job's log says when Redis did not answer or did not let it in. The Jobs run inside the
/// cluster, which is where it has to answer.
const SIGNS: &[&str] = &["waiting for Redis at", "redis.exceptions.", "NOAUTH", "WRONGPASS"];

/// P-02c: a Job could not talk to Redis, or the VM that it runs on stands still.
pub fn silent(context: &Context<'_>) -> Vec<Watched> {
    let mut found: Vec<Watched> = stopped(context).into_iter().collect();
    for (job, tail) in &context.seen.log_tails {
        // The last lines tell why it ended; what it waited for before may have come.
        let last = tail.lines().rev().filter(|line| !line.trim().is_empty()).take(3);
        let Some(sign) = last.into_iter().find_map(|line| SIGNS.iter().find(|sign| line.contains(**sign)))
        else {
            continue;
        };
        let what = match *sign {
            "NOAUTH" | "WRONGPASS" => "does not accept the password",
            _ => "does not answer from inside the cluster",
        };
        let host = facts::redis_host(context).unwrap_or_else(|_| "(no address yet)".into());
        found.push(Watched {
            subject: Some(job.to_string()),
            reason: Reason::WaitingForUser,
            message: format!("Redis at {host}:{} {what}", context.spec.redis_port),
            help: "Check redis_host, redis_port and redis_auth, and that the pods' ranges may reach it; then delete \
                   the Job, which is made again at the next tick."
                .into(),
        });
    }
    found
}

fn stopped(context: &Context<'_>) -> Option<Watched> {
    if !context.spec.enable_redis || !context.spec.redis_host.is_empty() || !context.spec.enable_nfs {
        return None;
    }
    let id = nfs::instance(context);
    let status = context.seen.body(&id)?.get("status")?.as_str()?;
    let stands = matches!(status, "STOPPING" | "STOPPED" | "TERMINATED" | "SUSPENDING" | "SUSPENDED");
    stands.then(|| Watched {
        subject: Some(id.to_string()),
        reason: Reason::WaitingForUser,
        message: format!("Redis does not answer: the VM {} that it runs on is {status}", id.short_name()),
        help: format!("Start the VM {}: nothing starts it by itself.", id.short_name()),
    })
}

/// P-41: the server that Redis would be looked for on is no VM; a Filestore has no Redis.
pub fn filestore(context: &Context<'_>) -> Vec<Watched> {
    let spec = context.spec;
    let looked_for_there = spec.enable_redis && spec.redis_host.is_empty() && spec.enable_nfs;
    if !looked_for_there || spec.nfs_instance_name.is_empty() {
        return Vec::new();
    }
    let id = nfs::instance(context);
    if context.seen.sighting(&id) != Some(&Sighting::Absent) {
        return Vec::new();
    }
    vec![Watched {
        subject: Some(id.to_string()),
        reason: Reason::NotFound,
        message: format!(
            "Redis would be looked for on the NFS server {}, and that is no VM of the project: a Filestore has no Redis",
            spec.nfs_instance_name
        ),
        help: "Set redis_host, or name a VM that runs Redis in nfs_instance_name.".into(),
    }]
}
