"""The smallest Django app that tells Gameball, in one file: `python examples/django_app.py runserver`.

The event is enqueued when the transaction has committed: a review that was rolled back is never rewarded.
"""

from __future__ import annotations

import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import connection, models, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_POST

from shipper import Event, IdempotencyConflictError, InvalidEventError, Receipt, enqueue_event

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "reviews.sqlite3"}},
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for this example",  # noqa: S106
    USE_TZ=True,
)
django.setup()


class Review(models.Model):
    """What a customer wrote. `event_id` is empty until Gameball's event is enqueued."""

    customer = models.CharField(max_length=100)
    stars = models.IntegerField()
    event_id = models.CharField(max_length=26, default="")

    class Meta:
        """Of no installed app, since this file is all there is."""

        app_label = "reviews"

    def __str__(self) -> str:
        return f"{self.stars} stars by {self.customer}"


@require_POST
def write_review(request: HttpRequest) -> JsonResponse:
    """Save a review and tell Gameball; one without stars between 1 and 5 is rolled back."""
    stars = int(request.POST["stars"])
    with transaction.atomic():
        review = Review.objects.create(customer=request.POST["customer"], stars=stars)
        # robust: the review stays, and is answered, although the ledger may be away; see `tell_missing`.
        transaction.on_commit(lambda: tell_gameball(review), robust=True)
        if not 1 <= stars <= 5:
            transaction.set_rollback(True)
            return JsonResponse({"error": "1 to 5 stars"}, status=422)
    return JsonResponse({"review": review.pk, "event_id": review.event_id}, status=201)


def tell_gameball(review: Review) -> Receipt:
    """Enqueue a review's event. The key makes it safe to do so again."""
    receipt = enqueue_event(
        Event(customer_id=review.customer, events={"write_review": {"stars": review.stars}}),
        hook="review_sent",
        idempotency_key=f"review:{review.pk}",
    )
    review.event_id = receipt.event_id
    review.save(update_fields=["event_id"])
    return receipt


@require_POST
def tell_missing(_request: HttpRequest) -> JsonResponse:
    """Enqueue what a crash or an outage kept from being enqueued: a job for cron."""
    enqueued, refused = [], {}
    for review in Review.objects.filter(event_id=""):
        try:
            enqueued.append(tell_gameball(review).event_id)
        except InvalidEventError as error:  # it stays so until somebody mends it; the others need not wait
            refused[review.pk] = [str(problem) for problem in error.problems]
        except IdempotencyConflictError as error:  # it was told, and changed since: a person decides
            refused[review.pk] = [f"told as {error.event_id}, with other content"]
    return JsonResponse({"enqueued": enqueued, "refused": refused})


urlpatterns = [path("reviews", write_review), path("reviews/missing", tell_missing)]

if __name__ == "__main__":
    if "reviews_review" not in connection.introspection.table_names():
        with connection.schema_editor() as schema:
            schema.create_model(Review)
    execute_from_command_line(sys.argv)
