resource "google_cloud_run_v2_service" "reconciler" {
  name                = var.name
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  deletion_protection = false
  labels              = local.labels
  custom_audiences    = [local.service_url]

  template {
    service_account                  = google_service_account.reconciler.email
    timeout                          = "600s"
    max_instance_request_concurrency = 40

    scaling {
      min_instance_count = 0
      max_instance_count = var.max_instances
    }

    containers {
      image = var.image

      resources {
        limits = {
          cpu    = "1"
          memory = "1Gi"
        }
        # All work is done inside of requests.
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = {
          PROJECT_ID             = var.project_id
          SPEC_BUCKET            = google_storage_bucket.specs.name
          STATE_BUCKET           = google_storage_bucket.state.name
          QUEUE                  = google_cloud_tasks_queue.continuations.id
          SERVICE_URL            = local.service_url
          TASKS_SERVICE_ACCOUNT  = google_service_account.tasks.email
          EVENT_SERVICE_ACCOUNTS = google_service_account.events.email
          AUTH_MODE              = var.auth_mode
          ROTATION_TOPIC         = google_pubsub_topic.rotations.id
          NOTIFY_TOPIC           = google_pubsub_topic.notices.id
        }
        content {
          name  = env.key
          value = env.value
        }
      }

      ports {
        container_port = 8080
      }

      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 30
        http_get {
          path = "/readyz"
        }
      }

      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 3
        http_get {
          path = "/livez"
        }
      }
    }
  }

  depends_on = [
    google_project_service.needed,
    google_storage_bucket_iam_member.reconciler_reads_specs,
    google_storage_bucket_iam_member.reconciler_writes_state,
    # A secret with a topic is refused as long as its ring would not be heard.
    google_pubsub_topic_iam_member.secret_manager_publishes,
  ]
}
