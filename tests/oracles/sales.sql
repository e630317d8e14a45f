
-- win_rate
SELECT count(*) FILTER (status = 'won') / count(*) FROM counted_deals WHERE status <> 'open' AND in_period(closed_at)
-- win_rate.of_created
SELECT count(*) FILTER (status = 'won') / count(*) FROM counted_deals WHERE in_period(created_at)
-- win_rate.by_amount
SELECT sum(amount) FILTER (status = 'won') / sum(amount) FROM counted_deals WHERE status <> 'open' AND in_period(closed_at)
-- lost_rate
SELECT count(*) FILTER (status = 'lost') / count(*) FROM counted_deals WHERE status <> 'open' AND in_period(closed_at)
-- lost_deals
SELECT count(*) FROM counted_deals WHERE status = 'lost' AND in_period(closed_at)
-- deal_volume
SELECT count(*) FROM counted_deals WHERE in_period(created_at)
-- average_deal_size
SELECT avg(amount) FROM counted_deals WHERE status = 'won' AND amount >= 0 AND in_period(closed_at)
-- average_deal_size.median
SELECT median(amount::DOUBLE) FROM counted_deals WHERE status = 'won' AND amount >= 0 AND in_period(closed_at)
-- average_deal_size.all_closed
SELECT avg(amount) FROM counted_deals WHERE status <> 'open' AND amount >= 0 AND in_period(closed_at)
-- revenue
SELECT coalesce(sum(amount), 0) FROM counted_deals WHERE status = 'won' AND in_period(closed_at)
-- revenue_growth_rate
WITH both_periods AS (SELECT coalesce(sum(amount) FILTER (in_period(closed_at)), 0) AS now,
    coalesce(sum(amount) FILTER (in_previous(closed_at)), 0) AS before FROM counted_deals WHERE status = 'won')
SELECT CASE WHEN before > 0 THEN (now - before) / before END FROM both_periods
-- revenue_growth_rate.year_over_year
WITH both_periods AS (SELECT coalesce(sum(amount) FILTER (in_period(closed_at)), 0) AS now,
    coalesce(sum(amount) FILTER (in_year_ago(closed_at)), 0) AS before FROM counted_deals WHERE status = 'won')
SELECT CASE WHEN before > 0 THEN (now - before) / before END FROM both_periods
-- expansion_revenue
SELECT coalesce(sum(amount), 0) FROM counted_deals WHERE status = 'won' AND kind = 'expansion' AND in_period(closed_at)
-- quota_attainment
SELECT coalesce(sum(amount), 0) / quota() FROM counted_deals WHERE status = 'won' AND in_period(closed_at)
-- sales_cycle_length
SELECT avg(seconds(created_at, closed_at)) FROM counted_deals
WHERE status = 'won' AND closed_at >= created_at AND in_period(closed_at)
-- sales_cycle_length.median
SELECT median(seconds(created_at, closed_at)) FROM counted_deals
WHERE status = 'won' AND closed_at >= created_at AND in_period(closed_at)
-- sales_cycle_length.p90
SELECT quantile_cont(seconds(created_at, closed_at), 0.9) FROM counted_deals
WHERE status = 'won' AND closed_at >= created_at AND in_period(closed_at)
-- sales_cycle_length.calendar_days
SELECT avg(86400.0 * date_diff('day', created_at::DATE, closed_at::DATE)) FROM counted_deals
WHERE status = 'won' AND closed_at::DATE >= created_at::DATE AND in_period(closed_at)
-- sales_cycle_length.all_closed
SELECT avg(seconds(created_at, closed_at)) FROM counted_deals
WHERE status <> 'open' AND closed_at >= created_at AND in_period(closed_at)
-- sales_cycle_length.from_lead
SELECT avg(seconds(leads.created_at, closed_at)) FROM counted_deals JOIN leads ON leads.id = counted_deals.lead_id
WHERE counted_deals.status = 'won' AND closed_at >= leads.created_at AND in_period(closed_at)
-- sales_velocity
WITH closed AS (SELECT * FROM counted_deals WHERE status <> 'open' AND in_period(closed_at)
    AND NOT coalesce(status = 'won' AND closed_at < created_at, false)),
standing AS (SELECT count(*) AS n FROM counted_deals
    WHERE begun(created_at) AND (status = 'open' OR closed_at >= period_end()))
SELECT (SELECT n FROM standing) * count(*) FILTER (status = 'won') / count(*) * avg(amount) FILTER (status = 'won')
    / (avg(seconds(created_at, closed_at)) FILTER (status = 'won') / 86400) FROM closed
-- pipeline_value
SELECT coalesce(sum(amount), 0) FROM counted_deals
WHERE begun(created_at) AND (status = 'open' OR closed_at >= period_end())
-- weighted_pipeline
SELECT coalesce(sum(amount * probability::DECIMAL(9,4)), 0)::DECIMAL(38,6) FROM counted_deals
WHERE begun(created_at) AND (status = 'open' OR closed_at >= period_end())
-- stage_duration
SELECT avg(seconds(entered_at, left_at)) FROM stage_visits WHERE left_at >= entered_at AND in_period(left_at)
-- stage_duration.median
SELECT median(seconds(entered_at, left_at)) FROM stage_visits WHERE left_at >= entered_at AND in_period(left_at)
-- stage_duration.cumulative
SELECT avg(stay) FROM (SELECT sum(seconds(entered_at, left_at)) AS stay FROM stage_visits
    WHERE left_at >= entered_at AND deal_id IS NOT NULL AND in_period(left_at) GROUP BY deal_id)
-- stage_duration.including_current
SELECT avg(seconds(entered_at, CASE WHEN left_at < as_of() THEN left_at ELSE as_of() END)) FROM stage_visits
WHERE entered_at < as_of() AND (left_at IS NULL OR left_at >= entered_at) AND in_period(entered_at)
-- stage_conversion_rate
WITH entered AS (SELECT v.deal_id, d.status, d.closed_at, v.left_at FROM stage_visits v JOIN deals d ON d.id = v.deal_id
    WHERE NOT d.deleted AND in_period(v.entered_at) AND NOT (d.status = 'lost' AND d.closed_at IS NULL AND v.left_at IS NOT NULL))
SELECT count(DISTINCT deal_id) FILTER (left_at IS NOT NULL AND (status <> 'lost' OR left_at < closed_at))
    / count(DISTINCT deal_id) FROM entered
-- sales_calls
SELECT count(*) FROM interactions WHERE kind = 'call' AND direction = 'outbound' AND in_period("at")
-- emails_sent
SELECT count(*) FROM interactions WHERE kind = 'email' AND direction = 'outbound' AND in_period("at")
-- sms_sent
SELECT count(*) FROM interactions WHERE kind = 'sms' AND direction = 'outbound' AND in_period("at")
-- meetings_held
SELECT count(*) FROM interactions WHERE kind = 'meeting' AND coalesce(direction, '') <> 'inbound'
    AND coalesce("at" < as_of(), true) AND in_period("at")
-- won_deals
SELECT count(*) FROM counted_deals WHERE status = 'won' AND in_period(closed_at)
-- open_deals
SELECT count(*) FROM counted_deals WHERE begun(created_at) AND (status = 'open' OR closed_at >= period_end())
-- sales_cycle_length.calendar_days_median
SELECT median(date_diff('day', created_at, closed_at) * 86400) FROM counted_deals
WHERE status = 'won' AND closed_at::DATE >= created_at::DATE AND in_period(closed_at)
-- sales_cycle_length.from_lead_median
SELECT median(seconds(l.created_at, d.closed_at)) FROM counted_deals d JOIN leads l ON l.id = d.lead_id
WHERE d.status = 'won' AND d.closed_at >= l.created_at AND in_period(d.closed_at)
-- stage_duration.total
SELECT coalesce(sum(seconds(entered_at, left_at)), 0) FROM stage_visits WHERE left_at >= entered_at AND in_period(left_at)
