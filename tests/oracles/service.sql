
-- ticket_volume
SELECT count(*) FROM counted_tickets WHERE in_period(created_at)
-- complaints
SELECT count(*) FROM counted_tickets WHERE kind = 'complaint' AND in_period(created_at)
-- recurring_issues
SELECT coalesce(sum(n), 0)::BIGINT FROM (SELECT count(*) AS n FROM counted_tickets
    WHERE kind IS NOT NULL AND in_period(created_at) GROUP BY kind) WHERE n > 1
-- backlog
SELECT count(*) FROM counted_tickets WHERE begun(created_at) AND CASE
    WHEN status IN ('open', 'pending') THEN true
    WHEN status IS NULL AND solved_at IS NULL THEN true
    ELSE solved_at >= period_end() END
-- tickets_per_customer
SELECT (SELECT count(*) FROM counted_tickets WHERE in_period(created_at))
    / (SELECT count(*) FROM known_customers WHERE active_at(since, until, period_end()))
-- tickets_per_customer.of_requesters
SELECT count(*) / count(DISTINCT customer_id) FROM counted_tickets WHERE customer_id IS NOT NULL AND in_period(created_at)
-- first_response_time
SELECT median(seconds(created_at, first_replied_at)) FROM counted_tickets
WHERE first_replied_at >= created_at AND in_period(created_at)
-- first_response_time.mean
SELECT avg(seconds(created_at, first_replied_at)) FROM counted_tickets WHERE first_replied_at >= created_at AND in_period(created_at)
-- first_response_time.p90
SELECT quantile_cont(seconds(created_at, first_replied_at), 0.9) FROM counted_tickets
WHERE first_replied_at >= created_at AND in_period(created_at)
-- first_response_time.business
SELECT median(open_seconds(created_at, first_replied_at)) FROM counted_tickets
WHERE first_replied_at >= created_at AND in_period(created_at)
-- first_response_time.by_reply_date
SELECT median(seconds(created_at, first_replied_at)) FROM counted_tickets
WHERE first_replied_at >= created_at AND in_period(first_replied_at)
-- average_response_time
SELECT sum(seconds(created_at, first_replied_at)) / count(*) FROM counted_tickets
WHERE first_replied_at >= created_at AND in_period(first_replied_at)
-- resolution_time
SELECT median(seconds(created_at, solved_at)) FROM solved_tickets WHERE solved_at >= created_at AND in_period(solved_at)
-- resolution_time.mean
SELECT avg(seconds(created_at, solved_at)) FROM solved_tickets WHERE solved_at >= created_at AND in_period(solved_at)
-- resolution_time.p90
SELECT quantile_cont(seconds(created_at, solved_at), 0.9) FROM solved_tickets WHERE solved_at >= created_at AND in_period(solved_at)
-- resolution_time.business
SELECT median(open_seconds(created_at, solved_at)) FROM solved_tickets WHERE solved_at >= created_at AND in_period(solved_at)
-- resolution_time.first_solve
SELECT median(seconds(created_at, first_solved_at)) FROM counted_tickets
WHERE first_solved_at >= created_at AND in_period(first_solved_at)
-- resolution_time.by_created
SELECT median(seconds(created_at, solved_at)) FROM solved_tickets WHERE solved_at >= created_at AND in_period(created_at)
-- handle_time
SELECT avg(handled_seconds) FROM solved_tickets WHERE in_period(solved_at)
-- first_contact_resolution_rate
SELECT count(*) FILTER (replies = 1 AND reopens = 0) / count(*) FROM solved_tickets
WHERE replies IS NOT NULL AND reopens IS NOT NULL AND in_period(solved_at)
-- first_contact_resolution_rate.of_all
SELECT count(*) FILTER (replies = 1 AND reopens = 0 AND (status IN ('solved', 'closed') OR (status IS NULL AND solved_at IS NOT NULL)))
    / count(*) FROM counted_tickets WHERE in_period(created_at)
    AND ((replies IS NOT NULL AND reopens IS NOT NULL) OR (solved_at IS NULL AND coalesce(status, 'open') IN ('open', 'pending')))
-- first_contact_resolution_rate.zero_or_one_reply
SELECT count(*) FILTER (replies <= 1 AND reopens = 0) / count(*) FROM solved_tickets
WHERE replies IS NOT NULL AND reopens IS NOT NULL AND in_period(solved_at)
-- reopen_rate
SELECT count(*) FILTER (reopens >= 1) / count(*) FROM counted_tickets
WHERE (solved_at IS NOT NULL OR status IN ('solved', 'closed') OR first_solved_at IS NOT NULL OR reopens > 0)
    AND reopens IS NOT NULL AND in_period(solved_at)
-- escalation_rate
SELECT count(*) FILTER (escalated) / count(*) FROM solved_tickets WHERE in_period(solved_at)
-- sla_attainment
SELECT count(*) FILTER (solved_at <= sla_due_at) / count(*) FROM solved_tickets
WHERE solved_at IS NOT NULL AND sla_due_at IS NOT NULL AND in_period(solved_at)
-- sla_attainment.overdue_missed
SELECT count(*) FILTER (solved_at <= sla_due_at AND coalesce(status, '') NOT IN ('open', 'pending')) / count(*) FROM counted_tickets
WHERE sla_due_at IS NOT NULL AND NOT (coalesce(status, '') IN ('solved', 'closed') AND solved_at IS NULL) AND in_period(sla_due_at)
-- self_service_rate
SELECT count(*) FILTER (self_served) / count(*) FROM counted_tickets WHERE in_period(created_at)
-- average_interaction_cost
SELECT (coalesce(sum(cost), 0) + coalesce(sum(seconds), 0) / 3600 * hourly_rate()) / count(*) FROM interactions
WHERE (cost IS NOT NULL OR seconds IS NOT NULL) AND in_period("at")
-- call_answer_rate
SELECT count(*) FILTER (outcome = 'answered') / count(outcome) FROM interactions
WHERE kind = 'call' AND direction = 'inbound' AND in_period("at")
-- call_abandon_rate
SELECT count(*) FILTER (outcome = 'abandoned') / count(outcome) FROM interactions
WHERE kind = 'call' AND direction = 'inbound' AND in_period("at")
-- call_resolution_rate
SELECT avg(resolved::INT) FROM interactions WHERE kind = 'call' AND direction = 'inbound' AND outcome = 'answered' AND in_period("at")
-- talk_time
SELECT avg(seconds) FROM interactions WHERE kind = 'call' AND direction = 'inbound' AND outcome = 'answered' AND in_period("at")
-- talk_time.median
SELECT median(seconds) FROM interactions WHERE kind = 'call' AND direction = 'inbound' AND outcome = 'answered' AND in_period("at")
