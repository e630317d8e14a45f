
-- lead_volume
SELECT count(*) FROM counted_leads WHERE in_period(created_at)
-- lead_conversion_rate
SELECT count(*) FILTER (converted_at < as_of() OR (status = 'converted' AND converted_at IS NULL)) / count(*)
FROM counted_leads WHERE in_period(created_at) AND so_far(created_at)
-- lead_conversion_rate.by_event
SELECT (SELECT count(*) FROM counted_leads WHERE (converted_at IS NOT NULL OR status = 'converted') AND in_period(converted_at))
    / (SELECT count(*) FROM counted_leads WHERE in_period(created_at))
-- lead_conversion_rate.within
SELECT count(*) FILTER (converted_at - created_at <= to_days(days()) AND converted_at < as_of()) / count(*)
FROM counted_leads WHERE created_at IS NOT NULL AND in_period(created_at)
    AND created_at + to_days(days()) <= as_of()
    AND (converted_at >= created_at OR (converted_at IS NULL AND (status IS NULL OR status <> 'converted')))
-- visit_conversion_rate
SELECT sum(conversions) / sum(sessions) FROM visits WHERE conversions IS NOT NULL AND in_period("at")
-- visit_conversion_rate.by_visitors
SELECT sum(conversions) / sum(visitors) FROM visits WHERE conversions IS NOT NULL AND visitors IS NOT NULL AND in_period("at")
-- mql_volume
SELECT count(mql_at) FROM counted_leads WHERE in_period(mql_at)
-- sql_volume
SELECT count(sql_at) FROM counted_leads WHERE in_period(sql_at)
-- mql_rate
SELECT count(mql_at) / count(*) FROM counted_leads WHERE in_period(created_at)
-- mql_to_sql_rate
SELECT count(sql_at) / count(*) FROM counted_leads WHERE mql_at IS NOT NULL AND in_period(mql_at)
-- lead_response_time
SELECT median(seconds(created_at, first_contacted_at)) FROM counted_leads
WHERE first_contacted_at >= created_at AND in_period(created_at)
-- lead_response_time.mean
SELECT avg(seconds(created_at, first_contacted_at)) FROM counted_leads
WHERE first_contacted_at >= created_at AND in_period(created_at)
-- lead_response_time.business
SELECT median(open_seconds(created_at, first_contacted_at)) FROM counted_leads
WHERE first_contacted_at >= created_at AND in_period(created_at)
-- cost_per_lead
SELECT (SELECT coalesce(sum(amount), 0) FROM expenses WHERE team = 'marketing' AND in_period(spent_at))
    / (SELECT count(*) FROM counted_leads WHERE in_period(created_at))
-- cost_per_lead.by_campaign_cost
SELECT (SELECT coalesce(sum(cost), 0) FROM campaigns WHERE in_period(started_at))
    / (SELECT count(campaign_id) FROM counted_leads WHERE in_period(created_at))
-- cost_per_mql
SELECT (SELECT coalesce(sum(amount), 0) FROM expenses WHERE team = 'marketing' AND in_period(spent_at))
    / (SELECT count(mql_at) FROM counted_leads WHERE in_period(mql_at))
-- cost_per_sql
SELECT (SELECT coalesce(sum(amount), 0) FROM expenses WHERE team = 'marketing' AND in_period(spent_at))
    / (SELECT count(sql_at) FROM counted_leads WHERE in_period(sql_at))
-- campaign_roi
WITH gain AS (SELECT coalesce(sum(amount), 0) AS won FROM counted_deals
    WHERE status = 'won' AND campaign_id IS NOT NULL AND in_period(closed_at)),
paid AS (SELECT sum(cost) AS cost FROM campaigns WHERE in_period(started_at))
SELECT (won - cost) / cost FROM gain, paid
-- roas
WITH gain AS (SELECT coalesce(sum(amount), 0) AS won FROM counted_deals
    WHERE status = 'won' AND campaign_id IS NOT NULL AND in_period(closed_at)),
paid AS (SELECT sum(cost) AS cost FROM campaigns WHERE in_period(started_at))
SELECT won / cost FROM gain, paid
-- email_campaigns
SELECT count(*) FROM mails WHERE in_period(started_at)
-- email_open_rate
SELECT sum(opened) / sum(delivered) FROM mails WHERE opened IS NOT NULL AND delivered IS NOT NULL AND in_period(started_at)
-- email_click_rate
SELECT sum(clicked) / sum(sent) FROM mails WHERE clicked IS NOT NULL AND sent IS NOT NULL AND in_period(started_at)
-- email_click_rate.of_delivered
SELECT sum(clicked) / sum(delivered) FROM mails WHERE clicked IS NOT NULL AND delivered IS NOT NULL AND in_period(started_at)
-- email_click_rate.of_opened
SELECT sum(clicked) / sum(opened) FROM mails WHERE clicked IS NOT NULL AND opened IS NOT NULL AND in_period(started_at)
-- unsubscribe_rate
SELECT sum(unsubscribed) / sum(delivered) FROM mails
WHERE unsubscribed IS NOT NULL AND delivered IS NOT NULL AND in_period(started_at)
-- bounce_rate
SELECT sum(bounced) / sum(sent) FROM mails WHERE bounced IS NOT NULL AND sent IS NOT NULL AND in_period(started_at)
-- acquisition_rate
SELECT (SELECT count(*) FROM credible_customers WHERE in_period(since)) / (SELECT count(*) FROM counted_leads WHERE in_period(created_at))
-- acquisition_rate.of_recipients
SELECT (SELECT count(*) FROM credible_customers WHERE in_period(since)) / (SELECT sum(sent) FROM campaigns WHERE in_period(started_at))
-- brand_awareness
SELECT sum(score) / count(score) FROM surveys WHERE kind = 'awareness' AND in_period(answered_at)
-- market_share
SELECT coalesce(sum(amount), 0) / market_revenue() FROM counted_deals WHERE status = 'won' AND in_period(closed_at)
-- ad_click_rate
SELECT sum(clicks)::DOUBLE / sum(impressions) FROM campaigns WHERE clicks <= impressions AND in_period(started_at)
-- ad_conversions
SELECT coalesce(sum(conversions), 0) FROM campaigns WHERE impressions IS NOT NULL AND in_period(started_at)
-- cost_per_click
SELECT sum(cost) / sum(clicks) FROM campaigns
WHERE impressions IS NOT NULL AND cost IS NOT NULL AND clicks IS NOT NULL AND in_period(started_at)
-- cost_per_mille
SELECT 1000 * sum(cost) / sum(impressions) FROM campaigns WHERE cost IS NOT NULL AND in_period(started_at) AND impressions IS NOT NULL
-- cost_per_conversion
SELECT sum(cost) / sum(conversions) FROM campaigns
WHERE impressions IS NOT NULL AND cost IS NOT NULL AND conversions IS NOT NULL AND in_period(started_at)
