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
