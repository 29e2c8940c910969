# Three accounts: who does the work, who delivers events, and whose token a task carries. The last two may do
# nothing but call the service, and each may come in by one entrance only.

resource "google_service_account" "reconciler" {
  account_id   = var.name
  display_name = "Dify reconciler"
  depends_on   = [google_project_service.needed]
}

resource "google_service_account" "events" {
  account_id   = "${var.name}-events"
  display_name = "Delivers events to the Dify reconciler"
  depends_on   = [google_project_service.needed]
}

resource "google_service_account" "tasks" {
  account_id   = "${var.name}-tasks"
  display_name = "Brings work to the Dify reconciler"
  depends_on   = [google_project_service.needed]
}

resource "google_cloud_run_v2_service_iam_member" "invokers" {
  for_each = {
    events = google_service_account.events.member
    tasks  = google_service_account.tasks.member
  }

  name     = google_cloud_run_v2_service.reconciler.name
  location = google_cloud_run_v2_service.reconciler.location
  role     = "roles/run.invoker"
  member   = each.value
}

# To queue a task that carries an account's token, one has to be allowed to act as that account.
resource "google_service_account_iam_member" "reconciler_acts_as_tasks" {
  service_account_id = google_service_account.tasks.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.reconciler.member
}

resource "google_cloud_tasks_queue_iam_member" "reconciler_enqueues" {
  name     = google_cloud_tasks_queue.continuations.name
  location = google_cloud_tasks_queue.continuations.location
  role     = "roles/cloudtasks.enqueuer"
  member   = google_service_account.reconciler.member
}
