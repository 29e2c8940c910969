# What rings by the clock.

locals {
  # By the kind of the event, which is the end of the job's name, too.
  ticks = {
    # The safety net: whatever a bell should have rung for, this finds within one interval.
    resync = {
      schedule    = var.resync_schedule
      description = "Looks at every Dify deployment."
    }
    # Rings for backups once an hour and for their trials once a day. Which deployment has one due is decided by its own
    # `backup_schedule`; a bell that rings for nothing costs a look.
    backup = {
      schedule    = "0 * * * *"
      description = "Looks for due backups of every Dify deployment."
    }
    "backup-verify" = {
      schedule    = "30 5 * * *"
      description = "Looks for due backups of every Dify deployment."
    }
  }
}

resource "google_cloud_scheduler_job" "ticks" {
  for_each = local.ticks

  name             = "${var.name}-${each.key}"
  region           = var.region
  description      = each.value.description
  schedule         = each.value.schedule
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

moved {
  from = google_cloud_scheduler_job.resync
  to   = google_cloud_scheduler_job.ticks["resync"]
}

moved {
  from = google_cloud_scheduler_job.backups["backup"]
  to   = google_cloud_scheduler_job.ticks["backup"]
}

moved {
  from = google_cloud_scheduler_job.backups["backup-verify"]
  to   = google_cloud_scheduler_job.ticks["backup-verify"]
}
