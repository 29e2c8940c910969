# Continuations: work that goes on when what it waits for may be ready. How long it waits is decided by the
# service; the retries here are for work that ended without an answer.
resource "google_cloud_tasks_queue" "continuations" {
  name       = var.name
  location   = var.region
  depends_on = [google_project_service.needed]

  rate_limits {
    max_concurrent_dispatches = 8
    max_dispatches_per_second = 10
  }

  retry_config {
    max_attempts  = 30
    min_backoff   = "5s"
    max_backoff   = "300s"
    max_doublings = 6
  }

  stackdriver_logging_config {
    sampling_ratio = 1.0
  }
}

# Rings for backups once an hour and for their trials once a day. Which deployment has one due is decided by its own
# `backup_schedule`; a bell that rings for nothing costs a look.
resource "google_cloud_scheduler_job" "backups" {
  for_each = { backup = "0 * * * *", "backup-verify" = "30 5 * * *" }

  name             = "${var.name}-${each.key}"
  region           = var.region
  description      = "Looks for due backups of every Dify deployment."
  schedule         = each.value
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"
  depends_on       = [google_project_service.needed]

  retry_config {
    retry_count          = 3
    min_backoff_duration = "5s"
    max_backoff_duration = "60s"
  }

  http_target {
    http_method = "POST"
    uri         = "${local.service_url}/events"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode({ kind = each.key }))

    oidc_token {
      service_account_email = google_service_account.events.email
      audience              = local.service_url
    }
  }
}

# The safety net: whatever a bell should have rung for, this finds within one interval.
resource "google_cloud_scheduler_job" "resync" {
  name             = "${var.name}-resync"
  region           = var.region
  description      = "Looks at every Dify deployment."
  schedule         = var.resync_schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"
  depends_on       = [google_project_service.needed]

  retry_config {
    retry_count          = 3
    min_backoff_duration = "5s"
    max_backoff_duration = "60s"
  }

  http_target {
    http_method = "POST"
    uri         = "${local.service_url}/events"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode({ kind = "resync" }))

    oidc_token {
      service_account_email = google_service_account.events.email
      audience              = local.service_url
    }
  }
}
