-- The words that the queries share; the bounds of the period are macros that the test sets.
CREATE MACRO within_bounds(t, low, high) AS t >= low AND t < high;
CREATE MACRO in_period(t) AS whole() OR within_bounds(t, period_start(), period_end());
CREATE MACRO in_previous(t) AS NOT whole() AND within_bounds(t, previous_start(), previous_end());
CREATE MACRO in_year_ago(t) AS NOT whole() AND within_bounds(t, year_ago_start(), year_ago_end());
CREATE MACRO in_lagged(t) AS NOT whole() AND within_bounds(t, lagged_start(), lagged_end());
-- What is there now needs no beginning.
CREATE MACRO begun(t) AS t < period_end() OR (whole() AND t IS NULL);
CREATE MACRO running(begins, ends) AS begun(begins) AND (ends IS NULL OR ends >= period_end());
CREATE MACRO days_of_period() AS CASE WHEN whole() THEN NULL ELSE date_diff('day', period_start(), period_end()) END;
-- What lies after the day up to which the data is known has not happened.
CREATE MACRO so_far(t) AS coalesce(t < as_of(), true);
CREATE MACRO seconds(a, b) AS date_diff('microsecond', a, b) / 1e6;
-- Opening hours: Monday to Friday, 9 to 17.
CREATE MACRO open_seconds(a, b) AS (
    SELECT coalesce(sum(greatest(0, seconds(greatest(a, d + INTERVAL 9 HOUR), least(b, d + INTERVAL 17 HOUR)))), 0)
    FROM (SELECT unnest(generate_series(date_trunc('day', a), b, INTERVAL 1 DAY)) AS d)
    WHERE isodow(d) <= 5
);
CREATE VIEW counted_leads AS SELECT * FROM leads WHERE merged_into IS NULL AND NOT deleted;
CREATE VIEW counted_deals AS SELECT * FROM deals WHERE NOT deleted;
CREATE VIEW counted_tickets AS SELECT * FROM tickets WHERE merged_into IS NULL AND NOT spam;
-- Tickets that were solved and are not open again.
CREATE VIEW solved_tickets AS SELECT * FROM counted_tickets
    WHERE (status IN ('solved', 'closed')) OR (status IS NULL AND solved_at IS NOT NULL);
CREATE VIEW mails AS SELECT * FROM campaigns WHERE channel = 'email';
-- Customers who did not leave before they came, as far as is known.
CREATE VIEW credible_customers AS SELECT * FROM customers WHERE since IS NULL OR until IS NULL OR until >= since;
CREATE VIEW known_customers AS SELECT * FROM customers WHERE since IS NOT NULL AND (until IS NULL OR until >= since);
-- Who is in a trial pays from its end on.
CREATE VIEW known_subscriptions AS SELECT *, greatest(started_at, trial_end) AS paid_from FROM subscriptions
    WHERE (whole() OR started_at IS NOT NULL) AND (ended_at IS NULL OR ended_at >= started_at) AND mrr IS NOT NULL AND customer_id IS NOT NULL
        AND coalesce(status NOT IN ('trialing', 'unpaid', 'paused', 'incomplete'), true) AND NOT (coalesce(status = 'canceled', false) AND ended_at IS NULL);
CREATE MACRO month() AS 365.25 / 12 * 86400;
-- How long those who came in the period have stayed, and whether they have left.
CREATE MACRO stays() AS TABLE
    SELECT seconds(since, CASE WHEN until < as_of() THEN until ELSE as_of() END) AS t, coalesce(until < as_of(), false) AS over
    FROM known_customers WHERE since <= as_of() AND in_period(since);
-- Kaplan and Meier's product, step by step: after t and up to next_t this share is still there.
CREATE MACRO steps() AS TABLE
    SELECT t, lead(t) OVER (ORDER BY t) AS next_t, product(1 - ends / at_risk) OVER (ORDER BY t) AS share
    FROM (SELECT t, count(*) FILTER (over) AS ends, sum(count(*)) OVER (ORDER BY t DESC) AS at_risk FROM stays() GROUP BY t);
-- The share between two moments that both lie within the horizon, the step from 0 to the first end or departure included.
CREATE MACRO curve() AS TABLE
    SELECT least(from_t, horizon() * 86400.0) AS from_t, least(until_t, horizon() * 86400.0) AS until_t, share
    FROM (SELECT 0 AS from_t, min(t) AS until_t, 1.0 AS share FROM steps() UNION ALL
        SELECT t, next_t, share FROM steps() WHERE next_t IS NOT NULL);
-- The mean within the horizon is known where somebody has stayed that long, or nobody is left.
CREATE MACRO horizon_is_seen() AS (SELECT max(t) >= horizon() * 86400.0 OR min(share) = 0 FROM steps());
CREATE MACRO active_at(begins, ends, t) AS begins < t AND (ends IS NULL OR ends >= t);
-- What each customer pays a month when the period begins and when it ends, and whether they had paid before it.
CREATE MACRO accounts() AS TABLE
    SELECT customer_id,
        coalesce(sum(mrr) FILTER (active_at(paid_from, ended_at, period_start())), 0) AS opening,
        coalesce(sum(mrr) FILTER (running(paid_from, ended_at)), 0) AS closing,
        coalesce(bool_or(paid_from < period_start() AND mrr > 0 AND (trial_end IS NULL OR ended_at IS NULL OR ended_at > trial_end)), false) AS had_paid
    FROM known_subscriptions GROUP BY customer_id;
